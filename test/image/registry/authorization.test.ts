import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import test, { type ExecutionContext } from 'ava';
import { Authorizer } from '../../../src/image/registry/authorizer.js';
import { offerFromRegistry } from '../../../src/image/registry/offer-registry.js';
import { failureOf, layerBytes, refuse, registryLab, type FakeHosts, type FakeRegistry, type Seen } from '../../support/fake-registry.js';

const secretPattern = /password|bWU6cGFzc3dvcmQ|refresh-token|token-\d|registry-token/;

interface TokenLab {
  readonly registry: FakeRegistry;
  readonly hosts: FakeHosts;
  /** Questions for tokens. */
  readonly asked: Seen[];
  readonly pull: (name?: string) => ReturnType<typeof offerFromRegistry>;
  /** The tokens that the registry takes. */
  readonly valid: Set<string>;
  /** What the server of tokens answers. */
  give: (seen: Seen, response: ServerResponse) => void;
  challenge: string;
}

/** A registry that wants tokens, which it gives itself under another path. */
async function lab(t: ExecutionContext, entry?: object): Promise<TokenLab> {
  const { hosts, start } = registryLab(t);
  const registry = await start();
  registry.addImage('v1', ['layer one', 'layer two']);
  if (entry !== undefined) hosts.write('home/.docker/config.json', JSON.stringify({ auths: { [registry.host]: entry } }));
  const state: TokenLab = {
    registry,
    hosts,
    asked: [],
    valid: new Set(),
    challenge: `Bearer realm="http://${registry.host}/token?kept=1",service="the service"`,
    give: (_, response) => {
      const token = `token-${state.asked.length}`;
      state.valid.add(token);
      response.end(JSON.stringify({ token, expires_in: 300 }));
    },
    pull: (name = 'team/app:v1') => offerFromRegistry(`${registry.host}/${name}`, { host: hosts.host() }),
  };
  registry.intercept = (seen, response) => {
    if (seen.url.startsWith('/token')) {
      state.asked.push(seen);
      state.give(seen, response);
      return true;
    }
    const shown = seen.headers.authorization?.replace(/^Bearer /, '') ?? '';
    if (state.valid.has(shown)) return false;
    refuse(response, 401, 'UNAUTHORIZED', `not with ${shown}`, { 'www-authenticate': state.challenge });
    return true;
  };
  return state;
}

const login = { auth: Buffer.from('me:password').toString('base64') };

test('a token without a login, asked for once and used for all', async (t) => {
  const { pull, asked, registry } = await lab(t);
  const image = await pull();
  await layerBytes(image);
  await layerBytes(image, 1);
  t.deepEqual(asked.map(({ method, url, headers }) => [method, url, headers.authorization]), [
    ['GET', '/token?kept=1&service=the+service&scope=repository%3Ateam%2Fapp%3Apull', undefined],
  ]);
  t.deepEqual(registry.seen.map(({ headers, url }) => headers.authorization ?? url.split('?')[0]), ['/v2/', '/token', ...Array<string>(4).fill('Bearer token-1')]);
});

test('with a login the name and password go to who gives tokens, and to nobody else', async (t) => {
  const { pull, asked, registry } = await lab(t, login);
  await pull();
  t.is(asked[0]?.headers.authorization, `Basic ${login.auth}`);
  t.regex(asked[0]?.url ?? '', /account=me/);
  t.true(registry.seen.filter(({ url }) => url.startsWith('/v2')).every(({ headers }) => headers.authorization?.startsWith('Basic') !== true));
});

test('a login by refresh token, and one by a token of the registry\'s own', async (t) => {
  const refresh = await lab(t, { identitytoken: 'refresh-token' });
  refresh.give = (_, response) => {
    refresh.valid.add('token-x');
    response.end(JSON.stringify({ access_token: 'token-x' }));
  };
  await refresh.pull();
  t.deepEqual(refresh.asked.map(({ method, url }) => [method, url]), [['POST', '/token?kept=1']]);
  t.deepEqual(Object.fromEntries(new URLSearchParams(refresh.asked[0]?.body)), {
    grant_type: 'refresh_token', client_id: 'tsrun', refresh_token: 'refresh-token', service: 'the service', scope: 'repository:team/app:pull',
  });
  const bearer = await lab(t, { registrytoken: 'registry-token' });
  bearer.valid.add('registry-token');
  await bearer.pull();
  t.is(bearer.asked.length, 0);
});

test('a token that has run out is replaced before it is shown, and one that is refused after; together but once', async (t) => {
  const { pull, asked, hosts, valid, registry } = await lab(t);
  const image = await pull();
  hosts.nowMs += 301_000;
  await layerBytes(image);
  t.is(asked.length, 2);
  valid.clear();
  const before = registry.seen.length;
  t.deepEqual((await Promise.all([layerBytes(image, 0), layerBytes(image, 1), layerBytes(image, 0)])).map(String), ['layer one', 'layer two', 'layer one']);
  t.is(asked.length, 3, 'three that were refused need one token');
  t.is(registry.seen.length - before, 7);
});

test('of two that are refused in the same moment one asks', async (t) => {
  const { hosts } = registryLab(t);
  let given = 0;
  const place = { name: 'a.example/x', host: 'a.example', repository: 'x', insecure: false, mirror: false };
  const authorizer = new Authorizer(place, undefined, hosts.host(), {
    ask: () => Promise.resolve({ status: 200, headers: {}, body: Readable.from([Buffer.from(JSON.stringify({ token: `token-${++given}` }))]) }),
    isSafe: () => true,
  });
  const challenges = [{ scheme: 'bearer', parameters: new Map([['realm', 'https://a.example/token']]) }];
  const meet = (refused?: string) => authorizer.meet(challenges, refused, undefined);
  t.deepEqual(await Promise.all([meet(), meet()]), ['Bearer token-1', 'Bearer token-1']);
  t.deepEqual(await Promise.all([meet('Bearer token-1'), meet('Bearer token-1')]), ['Bearer token-2', 'Bearer token-2']);
  t.is(await meet('Bearer token-1'), 'Bearer token-2', 'an answer that comes late');
});

test('a token in the middle of a download', async (t) => {
  const { pull, asked, valid, registry } = await lab(t);
  const image = await pull();
  const { intercept } = registry;
  registry.intercept = (seen, response) => {
    if (intercept(seen, response)) return true;
    if (!seen.url.includes('/blobs/') || seen.headers.range !== undefined) return false;
    valid.clear();
    response.writeHead(200, { 'content-length': 9 }).write('lay', () => response.socket?.destroy());
    return true;
  };
  t.is(String(await layerBytes(image)), 'layer one');
  t.is(asked.length, 2);
});

test('the scope that the registry asks for when it is asked', async (t) => {
  const state = await lab(t);
  const { intercept } = state.registry;
  state.registry.intercept = (seen, response) => {
    if (seen.headers.authorization !== 'Bearer token-1') return intercept(seen, response);
    refuse(response, 401, 'DENIED', 'more', { 'www-authenticate': `${state.challenge},scope="repository:team/app:pull repository:base:pull",error="insufficient_scope"` });
    return true;
  };
  await state.pull();
  t.deepEqual(state.asked.map(({ url }) => new URLSearchParams(url.split('?')[1]).get('scope')), ['repository:team/app:pull', 'repository:team/app:pull repository:base:pull']);
});

test('who is refused is told by whom, why, and where a login was looked for', async (t) => {
  const state = await lab(t, login);
  state.give = (_, response) => {
    refuse(response, 401, 'UNAUTHORIZED', `wrong: me:password, Basic ${login.auth}`);
  };
  const error = await failureOf(state.pull());
  t.is(error.code, 'ERR_TSRUN_REGISTRY');
  t.regex(error.message, /^no token for '127\.0\.0\.1:\d+\/team\/app': http:\/\/127\.0\.0\.1:\d+\/token answered 401 \(UNAUTHORIZED: wrong: me:\[secret\], Basic \[secret\]\)$/);
  t.regex(error.hint ?? '', /log in anew .* '.*\/run\/containers\/auth\.json' is not there, .* '.*\/home\/\.docker\/config\.json' has one/);
  t.notRegex(`${error.message}${error.hint ?? ''}`, secretPattern);
  state.give = (_, response) => {
    response.end(JSON.stringify({ token: `token-${state.asked.length}` }));
  };
  const refused = await failureOf(state.pull());
  t.regex(refused.message, /manifests\/v1 answered 401 \(UNAUTHORIZED: not with \[secret\]\)/);
  t.regex(refused.hint ?? '', /not there, or not for everybody.*has one/);
  t.is(state.asked.length, 3, 'a new token was asked for once');
});

test('answers to the question for a token that hold none, or one that would add a header', async (t) => {
  const state = await lab(t, login);
  const answers: readonly (readonly [body: string, message: RegExp])[] = [
    ['{"token":"token-1\\r\\nx-injected: yes"}', /has characters that no token has/],
    ['{"token":"token-1 token"}', /has characters that no token has/],
    ['{"token":""}', /holds none/],
    ['{"token":5}', /holds none/],
    ['["token-1"]', /holds none/],
    ['token-1', /is not JSON/],
    [`{"token":"${'x'.repeat(300_000)}"}`, /larger than/],
  ];
  for (const [body, message] of answers) {
    state.give = (_, response) => response.end(body);
    const error = await failureOf(state.pull());
    t.regex(error.message, message);
    t.notRegex(error.message, secretPattern);
  }
});

test('a realm that is no address, or to which a password would go in the clear', async (t) => {
  const state = await lab(t, login);
  const realms: readonly (readonly [realm: string, message: RegExp])[] = [
    ['nonsense', /sends for a token to 'nonsense', which is no address/],
    ['file:///etc/passwd', /which is no address/],
    ['http://user:pass@127.0.0.1/', /which is no address/],
    ['http://user@127.0.0.1/', /which is no address/],
    ['http://198.51.100.1/token', /sends for a token to http:\/\/198\.51\.100\.1\/token, in the clear/],
  ];
  for (const [realm, message] of realms) {
    state.challenge = `Bearer realm="${realm}",service="x"`;
    t.regex((await failureOf(state.pull())).message, message);
  }
  t.is(state.asked.length, 0);
});

test('who gives tokens does not send on', async (t) => {
  const state = await lab(t, login);
  state.give = (_, response) => response.writeHead(307, { location: '/elsewhere' }).end();
  t.regex((await failureOf(state.pull())).message, /no token for '.*': .*\/token answered 307/);
  t.false(state.registry.paths.includes('/elsewhere'));
});

test('a name and a password for the registry itself', async (t) => {
  const state = await lab(t, login);
  state.challenge = 'Basic realm="x"';
  state.valid.add(`Basic ${login.auth}`);
  await state.pull();
  t.deepEqual(state.registry.seen.map(({ headers }) => headers.authorization), [undefined, `Basic ${login.auth}`, `Basic ${login.auth}`]);
  state.valid.clear();
  const wrong = await failureOf(state.pull());
  t.regex(wrong.message, /manifests\/v1 answered 401/);
  t.notRegex(wrong.message, secretPattern);
  const anonymous = await lab(t);
  anonymous.challenge = 'Basic realm="x"';
  const error = await failureOf(anonymous.pull());
  t.regex(error.message, /manifests\/v1 answered 401 \(UNAUTHORIZED: not with\)/);
  t.regex(error.hint ?? '', /docker login or podman login for 127\.0\.0\.1:\d+; credentials were looked for: .* is not there/);
  const { intercept } = anonymous.registry;
  anonymous.registry.intercept = (seen, response) => seen.url === '/v2/' && intercept(seen, response);
  t.is((await anonymous.pull()).layers.length, 2, 'a registry that asks at first, but gives to everybody');
});

test('a scheme that nobody speaks, and a challenge that is none', async (t) => {
  const state = await lab(t, login);
  for (const challenge of ['Negotiate', 'Bearer service="no realm"', '', `Bearer realm="${'x'.repeat(9000)}"`]) {
    state.challenge = challenge;
    t.regex((await failureOf(state.pull())).message, /answered 401/, challenge.slice(0, 30));
  }
});

test('the file that was named is the only one, and a helper gives what it keeps', async (t) => {
  const state = await lab(t);
  const path = state.hosts.write('mine.json', JSON.stringify({ auths: { [state.registry.host]: login } }));
  await offerFromRegistry(`${state.registry.host}/app:v1`, { host: state.hosts.host(), authFile: path }).catch(() => undefined);
  t.is(state.asked[0]?.headers.authorization, `Basic ${login.auth}`);
  const error = await failureOf(offerFromRegistry(`${state.registry.host}/app:v1`, { host: state.hosts.host(), authFile: `${path}.none` }));
  t.regex(error.message, /the auth file '.*mine\.json\.none' is not there/);
});
