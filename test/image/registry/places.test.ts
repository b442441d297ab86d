import test from 'ava';
import { placesOf, type Place } from '../../../src/image/registry/places.js';
import { registriesConfig } from '../../../src/image/registry/registries-conf.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { FakeHosts } from '../../support/fake-registry.js';

const made: FakeHosts[] = [];
test.after.always(() => {
  for (const hosts of made) hosts.remove();
});

function newHosts(files: Readonly<Record<string, string>> = {}): FakeHosts {
  const hosts = new FakeHosts();
  made.push(hosts);
  for (const [name, text] of Object.entries(files)) hosts.write(name, text);
  return hosts;
}

const main = 'etc/containers/registries.conf';

function brief({ host, repository, insecure, mirror }: Place): string {
  return `${mirror ? 'mirror ' : ''}${insecure ? 'insecure ' : ''}${host} ${repository}`;
}

async function places(toml: string, name: string, byDigest = false): Promise<readonly string[]> {
  return placesOf(name, byDigest, await registriesConfig(newHosts({ [main]: toml }).host()), false).map(brief);
}

async function fault(toml: string): Promise<TsrunError> {
  try {
    await registriesConfig(newHosts({ [main]: toml }).host());
  } catch (error) {
    if (TsrunError.is(error)) return error;
  }
  throw new Error(`accepted: ${toml}`);
}

test('without a word in any file a name is asked of its own registry', async (t) => {
  const config = await registriesConfig(newHosts().host());
  t.deepEqual(config, { rules: [], searched: [], isEnforcing: false, aliases: new Map() });
  t.deepEqual(placesOf('docker.io/library/alpine', false, config, false), [
    { name: 'docker.io/library/alpine', host: 'registry-1.docker.io', repository: 'library/alpine', insecure: false, mirror: false },
  ]);
  t.deepEqual(placesOf('a:5000/x', false, config, true).map(brief), ['insecure a:5000 x']);
});

test('mirrors go before the registry, the longest prefix counts, and only whole parts of a name', async (t) => {
  const toml = `
    [[registry]]
    location = "a.example"
    [[registry.mirror]]
    location = "m1.example/a"
    insecure = true
    [[registry.mirror]]
    location = "m2.example"
    [[registry]]
    prefix = "a.example/team"
    location = "b.example:5000/moved"`;
  t.deepEqual(await places(toml, 'a.example/x/y'), ['mirror insecure m1.example a/x/y', 'mirror m2.example x/y', 'a.example x/y']);
  t.deepEqual(await places(toml, 'a.example/team/y'), ['b.example:5000 moved/y']);
  t.deepEqual(await places(toml, 'a.example/teams'), ['mirror insecure m1.example a/teams', 'mirror m2.example teams', 'a.example teams']);
  t.deepEqual(await places(toml, 'a.example.org/x'), ['a.example.org x']);
});

test('mirrors for digests only, for tags only, and hosts below a host', async (t) => {
  const toml = `
    [[registry]]
    prefix = "*.example"
    [[registry.mirror]]
    location = "digests.test/x"
    pull-from-mirror = "digest-only"
    [[registry.mirror]]
    location = "tags.test/x"
    pull-from-mirror = "tag-only"
    [[registry]]
    location = "old.test"
    mirror-by-digest-only = true
    [[registry.mirror]]
    location = "m.test"`;
  t.deepEqual(await places(toml, 'a.b.example/n'), ['mirror tags.test x/n', 'a.b.example n']);
  t.deepEqual(await places(toml, 'a.b.example:5000/n', true), ['mirror digests.test x/n', 'a.b.example:5000 n']);
  t.deepEqual(await places(toml, 'example/n'), ['example n']);
  t.deepEqual(await places(toml, 'old.test/n'), ['old.test n']);
  t.deepEqual(await places(toml, 'old.test/n', true), ['mirror m.test n', 'old.test n']);
});

test('a blocked registry is not asked', async (t) => {
  const toml = '[[registry]]\nprefix = "a.example/bad"\nlocation = "a.example/bad"\nblocked = true';
  t.deepEqual(await places(toml, 'a.example/good'), ['a.example good']);
  const error = await t.throwsAsync(places(toml, 'a.example/bad/x'), { instanceOf: TsrunError, message: /"a.example\/bad\/x" is blocked/ });
  t.is(error.code, 'ERR_TSRUN_REGISTRY');
  t.regex(error.hint ?? '', /registries\.conf' says so/);
});

test('files beside the main one add to it, the user\'s stand for the system\'s, a variable for both', async (t) => {
  const searches = (name: string) => `unqualified-search-registries = ["${name}"]\n`;
  const hosts = newHosts({
    [main]: `${searches('system')}[[registry]]\nlocation = "a"\ninsecure = true`,
    [`${main}.d/20.conf`]: '[[registry]]\nlocation = "a"\nblocked = true\n[aliases]\nx = "b/x"',
    [`${main}.d/10.conf`]: '[[registry]]\nlocation = "a"\n[aliases]\nx = "a/x"\ny = "a/y"',
    [`${main}.d/README`]: 'no TOML',
  });
  const system = await registriesConfig(hosts.host());
  t.deepEqual(system.rules.map(({ prefix, insecure, blocked }) => [prefix, insecure, blocked]), [['a', false, true]]);
  t.deepEqual([system.searched, [...system.aliases]], [['system'], [['x', 'b/x'], ['y', 'a/y']]]);
  hosts.write('home/.config/containers/registries.conf', searches('user'));
  hosts.write('home/.config/containers/registries.conf.d/1.conf', '[aliases]\nx = "mine/x"');
  const user = await registriesConfig(hosts.host());
  t.deepEqual([user.searched, user.aliases.get('x'), user.rules.length], [['user'], 'mine/x', 1]);
  hosts.write('home/.config/containers/registries.conf.d/2.conf', 'short-name-mode = "enforcing"\n[aliases]\nx = ""');
  const later = await registriesConfig(hosts.host());
  t.deepEqual([later.aliases.has('x'), later.aliases.get('y'), later.isEnforcing], [false, 'a/y', true], 'an empty alias takes away what stood before');
  hosts.write('home/.cache/containers/short-name-aliases.conf', '[aliases]\ny = "chosen/y"');
  t.is((await registriesConfig(hosts.host())).aliases.get('y'), 'chosen/y', 'by podman\'s question');
  hosts.write('cache/containers/short-name-aliases.conf', '[aliases]\ny = "other/y"');
  t.is((await registriesConfig(hosts.host({ XDG_CACHE_HOME: `${hosts.folder}/cache` }))).aliases.get('y'), 'other/y');
  const given = hosts.write('other.conf', searches('given'));
  t.deepEqual((await registriesConfig(hosts.host({ CONTAINERS_REGISTRIES_CONF: given }))).searched, ['given']);
});

test('what a file says wrongly is told with the file, and not passed over', async (t) => {
  const faults: readonly (readonly [toml: string, message: RegExp])[] = [
    ['[[registry]', /is not TOML/],
    ['[registries.block]\nregistries = ["a"]', /version 1/],
    ['[[registry]]\ninsecure = true', /without location and prefix/],
    ['[[registry]]\nlocation = "a"\nblocked = "yes"', /has "yes" as blocked, not true or false/],
    ['[[registry]]\nlocation = "https://a"', /without http:\/\//],
    ['[[registry]]\nlocation = "user@a"', /which is a host with a path/],
    ['[[registry]]\nlocation = 5', /not text/],
    ['[[registry]]\nlocation = "a"\n[[registry.mirror]]\nlocation = ""', /mirror\]\] without location/],
    ['[[registry]]\nlocation = "a"\n[[registry.mirror]]\nlocation = "b"\npull-from-mirror = "never"', /"never" as pull-from-mirror/],
    ['registry = 5', /has 5 as registry, not a list/],
    ['registry = [5]', /not a table/],
    ['unqualified-search-registries = "a"', /not a list/],
    ['[aliases]\nx = 5', /aliases\.x, not text/],
    ['short-name-mode = "strict"', /has "strict" as short-name-mode/],
    [`# ${'x'.repeat(1024 * 1024)}`, /too large/],
  ];
  for (const [toml, message] of faults) {
    const error = await fault(toml);
    t.is(error.code, 'ERR_TSRUN_REGISTRY');
    t.regex(error.message, message);
    t.regex(error.message, /registries\.conf'/);
  }
});

test('a location that leaves no name for the image', async (t) => {
  await t.throwsAsync(places('[[registry]]\nlocation = ""', 'a.example/x'), { message: /without location/ });
  await t.throwsAsync(places('[[registry]]\nprefix = "a.example/x"\nlocation = "b.example"', 'a.example/x'), { message: /names a registry but no image/ });
});
