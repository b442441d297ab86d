import { join } from 'node:path';
import test from 'ava';
import { findCredential } from '../../../src/image/registry/auth-file.js';
import { redact } from '../../../src/image/registry/credential.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { FakeHosts } from '../../support/fake-registry.js';

const made: FakeHosts[] = [];
test.after.always(() => {
  for (const hosts of made) hosts.remove();
});

function newHosts(files: Readonly<Record<string, unknown>> = {}): FakeHosts {
  const hosts = new FakeHosts();
  made.push(hosts);
  for (const [name, value] of Object.entries(files)) hosts.write(name, typeof value === 'string' ? value : JSON.stringify(value));
  return hosts;
}

const entry = (name: string, password = 'secret') => ({ auth: Buffer.from(`${name}:${password}`).toString('base64') });
const docker = 'home/.docker/config.json';
const podman = 'run/containers/auth.json';

async function userFor(repository: string, files: Readonly<Record<string, unknown>>, environment: Readonly<Record<string, string>> = {}): Promise<string | undefined> {
  const { credential } = await findCredential(repository, undefined, newHosts(files).host(environment));
  return credential?.kind === 'password' ? credential.username : credential?.kind;
}

/** A program on the PATH of a host. */
function helper(hosts: FakeHosts, name: string, script: string): Readonly<Record<string, string>> {
  hosts.write(`bin/docker-credential-${name}`, `#!/bin/sh\n${script}\n`, 0o755);
  return { PATH: `${join(hosts.folder, 'bin')}:${process.env['PATH'] ?? ''}` };
}

async function helped(script: string, config: object = { credsStore: 'test' }, repository = 'a:5000/x') {
  const hosts = newHosts({ [docker]: config });
  return findCredential(repository, undefined, hosts.host(helper(hosts, 'test', script)));
}

test('podman\'s files go before docker\'s, and all that was looked at is told', async (t) => {
  const files = { [podman]: { auths: { 'b.example': entry('podman') } }, [docker]: { auths: { 'a.example': entry('docker'), 'b.example': entry('docker') } } };
  t.is(await userFor('b.example/x', files), 'podman');
  t.is(await userFor('a.example/x', files), 'docker');
  t.is(await userFor('c.example/x', files), undefined);
  const hosts = newHosts(files);
  const { looked } = await findCredential('c.example/x', undefined, hosts.host());
  t.deepEqual(looked.map((each) => each.replace(hosts.folder, '')), ["'/run/containers/auth.json' has none for it", "'/home/.config/containers/auth.json' is not there", "'/home/.docker/config.json' has none for it"]);
});

test('variables say where the files are', async (t) => {
  const auths = { auths: { 'a.example': entry('there') } };
  const hosts = newHosts({ 'one.json': auths, 'docker/config.json': auths, 'config/containers/auth.json': auths });
  const found = async (environment: Readonly<Record<string, string>>) => (await findCredential('a.example/x', undefined, hosts.host(environment))).credential?.kind;
  t.is(await found({ REGISTRY_AUTH_FILE: join(hosts.folder, 'one.json') }), 'password');
  t.is(await found({ DOCKER_CONFIG: join(hosts.folder, 'docker') }), 'password');
  t.is(await found({ XDG_CONFIG_HOME: join(hosts.folder, 'config') }), 'password');
  t.is(await found({ XDG_RUNTIME_DIR: '', REGISTRY_AUTH_FILE: '' }), undefined);
});

test('the key that is nearest to the image counts, whole parts only', async (t) => {
  const files = { [podman]: { auths: { 'a.example': entry('host'), 'a.example/team': entry('team'), 'a.example/team/app': entry('app') } } };
  t.is(await userFor('a.example/team/app', files), 'app');
  t.is(await userFor('a.example/team/other', files), 'team');
  t.is(await userFor('a.example/teams', files), 'host');
  t.is(await userFor('a.example:5000/team', files), undefined);
});

test('what docker calls its own registry, and URLs as keys', async (t) => {
  t.is(await userFor('docker.io/library/alpine', { [docker]: { auths: { 'https://index.docker.io/v1/': entry('hub') } } }), 'hub');
  t.is(await userFor('docker.io/library/alpine', { [podman]: { auths: { 'docker.io': entry('hub') } } }), 'hub');
  t.is(await userFor('a.example/x', { [docker]: { auths: { 'https://a.example/v1/': entry('old') } } }), 'old');
  t.is(await userFor('b.example/x', { [docker]: { auths: { 'https://index.docker.io/v1/': entry('hub') } } }), undefined);
});

test('passwords with colons and docker\'s padding, plain fields, tokens, and entries that say nothing', async (t) => {
  const found = async (value: object) => (await findCredential('a/x', undefined, newHosts({ [docker]: { auths: { a: value } } }).host())).credential;
  t.deepEqual(await found(entry('me', 'p:w\0\0')), { kind: 'password', username: 'me', password: 'p:w' });
  t.deepEqual(await found({ username: 'me', password: 'pw' }), { kind: 'password', username: 'me', password: 'pw' });
  t.deepEqual(await found({ ...entry('00000000-0000-0000-0000-000000000000', ''), identitytoken: 'refresh' }), { kind: 'identity', token: 'refresh' });
  t.deepEqual(await found({ registrytoken: 'bearer' }), { kind: 'bearer', token: 'bearer' });
  t.is(await found({}), undefined);
  t.is(await found({ auth: 5 }), undefined);
});

test('a damaged file does not stop who needs no credentials; one that was named does', async (t) => {
  const hosts = newHosts({ [podman]: '{"auths": {"a": {"auth": "c2VjcmV0"}', [docker]: { auths: { a: { auth: 'bm8gY29sb24=' } } } });
  const { credential, looked } = await findCredential('a/x', undefined, hosts.host());
  t.is(credential, undefined);
  t.regex(looked.join(), /auth.json' is not JSON in its line 1,.*config.json' cannot be used: its "auth" for 'a' is not base64/);
  t.notRegex(looked.join(), /c2VjcmV0|bm8gY29sb24/);
  for (const [file, message] of [['none.json', /is not there/], [podman, /is not JSON/], [docker, /^the auth file '.*config\.json' cannot be used: its "auth" for 'a' is not base64 of a name, a colon and a password$/], ['run', /EISDIR/]] as const) {
    const error = await t.throwsAsync(findCredential('a/x', join(hosts.folder, file), hosts.host()), { instanceOf: TsrunError, message });
    t.is(error.code, 'ERR_TSRUN_REGISTRY');
  }
});

test('what is not base64 is not taken for something', async (t) => {
  for (const auth of ['bWU6cHc=!', 'me:pw', 'bWU6 cHc=', 'bWU6cHc===', '=']) {
    const hosts = newHosts({ [docker]: { auths: { 'host:5000': { auth } } } });
    const error = await t.throwsAsync(findCredential('host:5000/x', join(hosts.folder, docker), hosts.host()), { instanceOf: TsrunError }, auth);
    t.regex(error.message, /its "auth" for 'host:5000' is not base64/);
    t.regex(error.hint ?? '', /docker login/);
    t.false(error.message.includes(auth));
  }
  t.is(await userFor('a/x', { [docker]: { auths: { a: { auth: 'bWU6\ncHc=\n' } } } }), 'me');
});

test('a credential helper for one registry, and one for all', async (t) => {
  const script = 'read server; echo "{\\"ServerURL\\":\\"$server\\",\\"Username\\":\\"$1 $server\\",\\"Secret\\":\\"s3cret\\"}"';
  t.deepEqual((await helped(script)).credential, { kind: 'password', username: 'get a:5000', password: 's3cret' });
  t.deepEqual((await helped(script, { credHelpers: { 'a:5000': 'test' }, auths: { 'a:5000': entry('file') } })).credential, { kind: 'password', username: 'get a:5000', password: 's3cret' });
  t.is((await helped(script, { credHelpers: { b: 'test' } })).credential, undefined);
  t.like((await helped(script, { credHelpers: { 'https://index.docker.io/v1/': 'test' } }, 'docker.io/library/x')).credential, { username: 'get https://index.docker.io/v1/' });
  t.deepEqual((await helped('echo \'{"Username":"<token>","Secret":"refresh"}\'')).credential, { kind: 'identity', token: 'refresh' });
  t.is((await helped('echo credentials not found in native keychain; exit 1')).credential, undefined);
});

test('a helper that fails is told where it was looked, without what it may have let out', async (t) => {
  const faults: readonly (readonly [script: string, message: RegExp])[] = [
    ['echo the keychain is locked; exit 1', /docker-credential-test failed: the keychain is locked/],
    ['echo locked >&2; exit 2', /failed: locked/],
    ['echo Secret: s3cret', /did not answer in JSON/],
    ['echo \'["s3cret"]\'', /answered no object/],
    ['echo \'{"Secret":"s3cret"}\'', /without Username and Secret/],
    ['printf \'{"Username":"me","Secret":"\'; head -c 200000 /dev/zero | tr "\\0" x; echo \'"}\'', /was ended/],
  ];
  for (const [script, message] of faults) {
    const { credential, looked } = await helped(script);
    t.is(credential, undefined);
    t.regex(looked.join(), message);
    t.notRegex(looked.join(), /s3cret/);
  }
  const { looked } = await helped('', { credsStore: 'missing' });
  t.regex(looked.join(), /docker-credential-missing cannot be started \(ENOENT\)/);
});

test('the name of a helper is a name, not a path', async (t) => {
  for (const name of ['../x', '/bin/sh', '-x', 'a b', 'a;b', '.x']) {
    const { looked } = await helped('echo reached', { credsStore: name });
    t.regex(looked.join(), /the name of a credential helper is/, name);
  }
});

test('a helper that waits for somebody is ended, with what it started left alone', async (t) => {
  const hosts = newHosts({ [docker]: { credsStore: 'test' } });
  const host = hosts.host(helper(hosts, 'test', 'sleep 5 & wait'));
  const { looked } = await findCredential('a/x', undefined, { ...host, timeouts: { ...host.timeouts, helperMs: 50 } });
  t.regex(looked.join(), /was ended: it took too long/);
});

test('secrets are taken out of what is shown', (t) => {
  t.is(redact('you sent Basic bWU6cHc= and pass', ['bWU6cHc=', 'pass', '']), 'you sent Basic [secret] and [secret]');
  t.is(redact('a banana', ['a']), 'a banana');
});

test('a key may be a URL of either scheme, with or without the version behind it', async (t) => {
  for (const scheme of ['http', 'https']) {
    for (const path of ['', '/', '/v1/', '/v2/']) {
      t.is(await userFor('a.example:5000/x', { [docker]: { auths: { [`${scheme}://a.example:5000${path}`]: entry('found') } } }), 'found', scheme + path);
    }
  }
});
