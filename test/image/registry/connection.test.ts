import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { rootCertificates } from 'node:tls';
import test, { type ExecutionContext } from 'ava';
import { offerFromRegistry, type RegistryOptions } from '../../../src/image/registry/offer-registry.js';
import { failureOf, FakeHosts, layerBytes, refuse, registryLab } from '../../support/fake-registry.js';

const made = new FakeHosts();
const [own, client] = [made.certificate('own'), made.certificate('client')];
test.after.always(() => {
  made.remove();
});

async function lab(t: ExecutionContext) {
  const { hosts, start } = registryLab(t);
  const registry = await start();
  registry.addImage('v1', ['layer']);
  return { registry, hosts, pull: (options: RegistryOptions = {}) => offerFromRegistry(`${registry.host}/app:v1`, { host: hosts.host(), ...options }) };
}

test('a certificate of nobody who is known is refused, with the place for who vouches for it', async (t) => {
  const { hosts, start } = registryLab(t);
  const registry = await start(own);
  registry.addImage('v1', ['layer']);
  const pull = (options: RegistryOptions = {}) => offerFromRegistry(`${registry.host}/app:v1`, { host: hosts.host(), ...options });
  const error = await failureOf(pull());
  t.is(error.code, 'ERR_TSRUN_REGISTRY');
  t.regex(error.message, /^https:\/\/127\.0\.0\.1:\d+\/v2\/: its certificate is not to be trusted \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)$/);
  t.regex(error.hint ?? '', /'.*\/etc\/docker\/certs\.d\/127\.0\.0\.1:\d+\/ca\.crt'/);
  t.is(registry.seen.length, 0, 'nothing was asked in the clear either, though it is on loopback');
  t.is(String(await layerBytes(await pull({ tlsVerify: false }))), 'layer');
  for (const folder of ['etc/docker', 'etc/containers', 'home/.config/containers']) {
    const other = new FakeHosts();
    other.write(`${folder}/certs.d/${registry.host}/ca.crt`, own.ca);
    t.is((await pull({ host: other.host() })).layers.length, 1, folder);
    other.remove();
  }
  t.is((await pull({ host: hosts.host({ SSL_CERT_FILE: hosts.write('store.pem', own.ca) }) })).layers.length, 1);
  hosts.write('etc/ssl/certs/ca-certificates.crt', own.ca);
  t.is((await pull()).layers.length, 1, 'the host\'s own store');
  t.is((await failureOf(pull({ host: hosts.host({ SSL_CERT_FILE: hosts.write('other.pem', client.ca) }) }))).code, 'ERR_TSRUN_REGISTRY', 'another store');
});

test('a store of many certificates, with text between them, a damaged one and one in OpenSSL\'s trusted form', async (t) => {
  const { hosts, start } = registryLab(t);
  const registry = await start(own);
  registry.addImage('v1', ['layer']);
  const damaged = own.ca.replace(/[A-Za-z0-9]{40}/, (text) => text.toLowerCase());
  const others = [...rootCertificates.slice(0, 20), 'Subject: nobody', damaged, client.ca.replaceAll('CERTIFICATE', 'TRUSTED CERTIFICATE')];
  const store = (name: string, certificates: readonly string[]) => hosts.host({ SSL_CERT_FILE: hosts.write(name, certificates.join('\n')) });
  const pull = async (host: ReturnType<typeof store>) => offerFromRegistry(`${registry.host}/app:v1`, { host });
  t.is((await failureOf(pull(store('others.pem', others)))).code, 'ERR_TSRUN_REGISTRY');
  const host = store('many.pem', [...others, own.ca]);
  for (const offer of await Promise.all([pull(host), pull(host)])) t.is(offer.layers.length, 1);
});

test('a certificate of this client, where the registry wants one', async (t) => {
  const { hosts, start } = registryLab(t);
  const registry = await start(own, client.ca);
  registry.addImage('v1', ['layer']);
  const folder = `etc/docker/certs.d/${registry.host}`;
  hosts.write(`${folder}/ca.crt`, own.ca);
  t.is((await failureOf(offerFromRegistry(`${registry.host}/app:v1`, { host: hosts.host() }))).code, 'ERR_TSRUN_REGISTRY');
  hosts.write(`${folder}/client.cert`, client.cert);
  const lacking = await failureOf(offerFromRegistry(`${registry.host}/app:v1`, { host: hosts.host() }));
  t.regex(lacking.message, /has a certificate for this client but no key 'client\.key' to it/);
  hosts.write(`${folder}/client.key`, client.key);
  t.is((await offerFromRegistry(`${registry.host}/app:v1`, { host: hosts.host() })).layers.length, 1);
  hosts.write(`${folder}/client.key`, 'no key');
  t.regex((await failureOf(offerFromRegistry(`${registry.host}/app:v1`, { host: hosts.host() }))).message, /the certificates of '.*certs\.d.*' cannot be used/);
});

test('a file with passwords that was named and is not there is told of, also where nobody asks for one', async (t) => {
  const { registry, hosts } = await lab(t);
  const pull = async (authFile: string) => offerFromRegistry(`${registry.host}/app:v1`, { host: hosts.host(), authFile });
  t.is((await pull(hosts.write('auth.json', '{}'))).layers.length, 1);
  const count = registry.seen.length;
  t.regex((await failureOf(pull('/no/such.json'))).message, /^the auth file '\/no\/such\.json' is not there$/);
  t.regex((await failureOf(pull(hosts.write('text.json', 'text')))).message, /text\.json' is not JSON in its line 1$/);
  t.is(registry.seen.length, count, 'nobody is asked then');
});

test('plain HTTP from elsewhere than loopback only where it is asked for', async (t) => {
  const { registry, hosts } = await lab(t);
  // The wildcard address leads here too, but is not called loopback.
  const name = `0.0.0.0:${registry.port}/app:v1`;
  const error = await failureOf(offerFromRegistry(name, { host: hosts.host() }));
  t.regex(error.message, /^https:\/\/0\.0\.0\.0:\d+\/v2\/: it does not speak TLS$/);
  t.regex(error.hint ?? '', /--tls-verify=false/);
  t.is(registry.seen.length, 0);
  t.is((await offerFromRegistry(name, { host: hosts.host(), tlsVerify: false })).layers.length, 1);
  hosts.write('etc/containers/registries.conf', `[[registry]]\nlocation = "0.0.0.0:${registry.port}"\ninsecure = true`);
  t.is((await offerFromRegistry(name, { host: hosts.host() })).layers.length, 1);
});

test('a server that hangs up on a handshake is asked over plain HTTP, on loopback', async (t) => {
  const { registry, hosts } = await lab(t);
  const handshake = 0x16;
  const door = createTcpServer((socket) => {
    socket.once('data', (start) => {
      if (start[0] === handshake) {
        socket.destroy();
        return;
      }
      const behind = connect(registry.port, '127.0.0.1');
      behind.write(start);
      socket.pipe(behind).pipe(socket);
    });
    socket.on('error', () => undefined);
  });
  await once(door.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => { door.close(); });
  const { port } = door.address() as AddressInfo;
  t.is((await offerFromRegistry(`127.0.0.1:${port}/app:v1`, { host: hosts.host() })).layers.length, 1);
});

test('a registry that sends from TLS into the clear', async (t) => {
  const { hosts, start } = registryLab(t);
  const registry = await start(own);
  registry.intercept = ({ url }, response) => {
    if (url !== '/v2/') response.writeHead(307, { location: 'http://198.51.100.1/x' }).end();
    return url !== '/v2/';
  };
  hosts.write(`etc/docker/certs.d/${registry.host}/ca.crt`, own.ca);
  t.regex((await failureOf(offerFromRegistry(`${registry.host}/app:v1`, { host: hosts.host() }))).message, /sent on to http:\/\/198\.51\.100\.1\/x, in the clear/);
});

test('a server with too much to do is asked again, when it says', async (t) => {
  const { registry, hosts, pull } = await lab(t);
  let refusals = 0;
  const busy = (status: number, times: number, headers: Readonly<Record<string, string>> = {}) => {
    [refusals, hosts.sleeps.length] = [0, 0];
    registry.intercept = ({ url }, response) => {
      if (!url.includes('/manifests/') || refusals === times) return false;
      refusals++;
      refuse(response, status, 'TOOMANYREQUESTS', 'slow down', headers);
      return true;
    };
  };
  for (const status of [408, 429, 500, 502, 503, 504]) {
    busy(status, 2);
    t.is((await pull()).layers.length, 1);
    t.deepEqual(hosts.sleeps, [500, 1000], String(status));
  }
  busy(429, 1, { 'retry-after': '7' });
  await pull();
  t.deepEqual(hosts.sleeps, [7000]);
  busy(503, 1, { 'retry-after': new Date(Math.floor(hosts.nowMs / 1000) * 1000 + 20_000).toUTCString() });
  await pull();
  t.true((hosts.sleeps[0] ?? 0) > 18_000 && (hosts.sleeps[0] ?? 0) <= 20_000);
  busy(503, 1, { 'retry-after': 'soon' });
  await pull();
  t.deepEqual(hosts.sleeps, [500]);
  busy(429, 99, { 'retry-after': '3600' });
  const limited = await failureOf(pull());
  t.regex(limited.message, /answered 429 \(TOOMANYREQUESTS: slow down\)/);
  t.regex(limited.hint ?? '', /mirror/);
  t.deepEqual([refusals, hosts.sleeps], [1, []], 'an hour is not waited for');
  busy(500, 99);
  const broken = await failureOf(pull());
  t.regex(broken.message, /answered 500/);
  t.is(refusals, 5);
});

test('a connection that is lost before the answer is made anew; refusals of the caller\'s are not repeated', async (t) => {
  const { registry, hosts, pull } = await lab(t);
  let losses = 0;
  registry.intercept = ({ url }, response) => {
    if (!url.includes('/manifests/') || losses === 3) return false;
    losses++;
    response.socket?.destroy();
    return true;
  };
  t.is((await pull()).layers.length, 1);
  t.deepEqual(hosts.sleeps, [500, 1000, 2000]);
  for (const status of [400, 403, 404]) {
    let questions = 0;
    registry.intercept = ({ url }, response) => {
      if (!url.includes('/manifests/')) return false;
      questions++;
      refuse(response, status, 'NO', 'no');
      return true;
    };
    await failureOf(pull());
    t.is(questions, 1);
  }
});

test('who is not there, and who says nothing', async (t) => {
  const { hosts } = registryLab(t);
  const pull = (name: string, timeouts = {}) => offerFromRegistry(`${name}/app:v1`, { host: { ...hosts.host(), timeouts: { ...hosts.host().timeouts, ...timeouts } } });
  const refused = await failureOf(pull('127.0.0.1:1'));
  t.regex(refused.message, /127\.0\.0\.1:1\/v2\/: nobody listens there/);
  t.is(hosts.sleeps.length, 0);
  const unknown = await failureOf(pull('no-such-host.invalid'));
  t.regex(unknown.message, /there is no host of that name|could not be looked up/);
  const silent = createTcpServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
  t.regex((await failureOf(pull(host, { connectMs: 50 }))).message, /no connection came about in time/);
  t.is(hosts.sleeps.length, 1, 'what took long is tried twice');
});

test('a server that takes too long to answer, and one whose headers are too large', async (t) => {
  const { registry, hosts, pull } = await lab(t);
  let questions = 0;
  registry.intercept = ({ url }) => url.includes('/manifests/') && ++questions > 0;
  const host = hosts.host();
  const slow = await failureOf(pull({ host: { ...host, timeouts: { ...host.timeouts, headersMs: 100 } } }));
  t.regex(slow.message, /no answer came in time/);
  t.is(questions, 2);
  registry.intercept = ({ url }, response) => {
    if (url.includes('/manifests/')) response.writeHead(200, { 'x-large': 'x'.repeat(100_000) }).end();
    return url.includes('/manifests/');
  };
  t.regex((await failureOf(pull())).message, /headers are too large/);
});

test('an AbortSignal ends a pull while it asks, and while it waits to ask again', async (t) => {
  const { registry, hosts, pull } = await lab(t);
  const reason = new Error('enough');
  t.like(await failureOf(pull({ signal: AbortSignal.abort(reason) })), { code: 'ERR_TSRUN_ABORTED', cause: reason });
  const asking = new AbortController();
  registry.intercept = ({ url }) => {
    if (url.includes('/manifests/')) asking.abort(reason);
    return url.includes('/manifests/');
  };
  t.like(await failureOf(pull({ signal: asking.signal })), { code: 'ERR_TSRUN_ABORTED', cause: reason });
  const waiting = new AbortController();
  registry.intercept = (_, response) => {
    refuse(response, 503, 'X', 'later');
    return true;
  };
  const host = { ...hosts.host(), sleep: (_: number, signal: AbortSignal | undefined) => new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => {
      reject(new Error('woken'));
    });
    waiting.abort(reason);
  }) };
  t.like(await failureOf(pull({ host, signal: waiting.signal })), { code: 'ERR_TSRUN_ABORTED', cause: reason });
});

/** A proxy that connects whatever name is asked for to one server. */
async function proxyTo(t: ExecutionContext, port: number): Promise<{ readonly url: string; readonly connected: string[] }> {
  const connected: string[] = [];
  const sockets: Socket[] = [];
  const server: Server = createServer((_, response) => response.writeHead(501).end());
  server.on('connect', ({ url = '' }, socket: Socket) => {
    connected.push(url);
    const target = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n');
      target.pipe(socket).pipe(target);
    });
    sockets.push(socket, target);
    for (const each of [socket, target]) each.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, connected };
}

test('a proxy is used where variables say so, but not for loopback', async (t) => {
  const { hosts, start } = registryLab(t);
  const registry = await start(own);
  registry.addImage('v1', ['layer']);
  const proxy = await proxyTo(t, registry.port);
  const pull = (name: string, environment: Readonly<Record<string, string>>, tlsVerify = false) => offerFromRegistry(`${name}/app:v1`, { host: hosts.host(environment), tlsVerify });
  const image = await pull('registry.invalid', { HTTPS_PROXY: proxy.url });
  t.is(String(await layerBytes(image)), 'layer');
  t.true(proxy.connected.length > 0 && proxy.connected.every((each) => each === 'registry.invalid:443'));
  const seen = proxy.connected.length;
  hosts.write('etc/ssl/certs/ca-certificates.crt', own.ca);
  t.regex((await failureOf(pull('registry.invalid', { https_proxy: proxy.url }, true))).message, /certificate is for another host \(ERR_TLS_CERT_ALTNAME_INVALID\)/, 'through a proxy too');
  t.true(proxy.connected.length > seen);
  await pull(registry.host, { HTTPS_PROXY: 'http://127.0.0.1:1' });
  t.regex((await failureOf(pull('registry.invalid', { HTTPS_PROXY: 'http://127.0.0.1:1', NO_PROXY: '.invalid' }))).message, /no host of that name|could not be looked up/);
});
