import test from 'ava';
import type { MountOption, RunOptions } from '../../../src/container/options/options.js';
import { build, buildBundle, fault } from './build-support.js';

function options(mount: Partial<MountOption>): readonly string[] | undefined {
  const { spec } = build({ mounts: [{ type: 'bind', source: '/srv', destination: '/data', ...mount }] });
  return spec.mounts?.find(({ destination }) => destination === '/data')?.options;
}

function refusal(mount: Partial<MountOption>) {
  return fault(() => options(mount));
}

const walls = ['rnosuid', 'rnodev', 'rnosymfollow'];

test('a volume is recursive and private, and its walls hold for all of it', (t) => {
  t.deepEqual(options({}), ['rbind', 'rprivate', ...walls]);
  t.deepEqual(options({ readonly: true }), ['rbind', 'rprivate', ...walls, 'rro']);
  t.deepEqual(options({ options: ['ro'] }), ['rbind', 'rprivate', ...walls, 'rro']);
  t.deepEqual(options({ options: ['rro'] }), ['rbind', 'rprivate', ...walls, 'rro']);
  t.deepEqual(options({ readonly: false, options: ['rw'] }), ['rbind', 'rprivate', ...walls]);
  t.deepEqual(options({ options: ['rslave', 'noexec', 'noatime'] }), ['rbind', 'rslave', 'rnosuid', 'rnodev', 'rnoexec', 'rnosymfollow', 'rnoatime']);
  t.deepEqual(options({ options: ['idmap', 'relatime'] }), ['rbind', 'rprivate', ...walls, 'rrelatime', 'ridmap']);
});

test('without what is mounted below it', (t) => {
  t.deepEqual(options({ readonly: true, options: ['bind', 'idmap'] }), ['bind', 'private', 'nosuid', 'nodev', 'nosymfollow', 'idmap', 'ro']);
});

test('each wall is opened by its own word', (t) => {
  t.deepEqual(options({ options: ['symfollow'] }), ['rbind', 'rprivate', 'rnosuid', 'rnodev']);
  t.deepEqual(options({ options: ['suid', 'dev', 'exec', 'rsymfollow'] }), ['rbind', 'rprivate']);
});

test('a tmpfs is sized, and nothing in it can be executed', (t) => {
  const tmpfs = (words: readonly string[], more: Partial<MountOption> = {}) => {
    const { spec } = build({ mounts: [{ type: 'tmpfs', destination: '/data', options: words, ...more }] });
    return spec.mounts?.at(-1)?.options;
  };
  t.deepEqual(tmpfs([]), ['nosuid', 'nodev', 'noexec', 'mode=1777', 'size=67108864']);
  t.deepEqual(tmpfs(['exec', 'size=1g', 'mode=0755', 'uid=5', 'gid=6']), ['nosuid', 'nodev', 'uid=5', 'gid=6', 'mode=0755', 'size=1g']);
  t.deepEqual(tmpfs(['nr_blocks=4', 'nosymfollow'], { readonly: true }), ['nosuid', 'nodev', 'noexec', 'nosymfollow', 'nr_blocks=4', 'mode=1777', 'ro']);
});

test('unknown and contradictory words are refused', (t) => {
  t.like(refusal({ options: ['noexec', 'nosiud'] }), { field: '/mounts/0/options/1', hint: 'did you mean "nosuid"?' });
  t.like(refusal({ options: ['exec', 'noexec'] }), { field: '/mounts/0/options/1', message: 'option /mounts/0/options/1: "exec" and "noexec" exclude each other' });
  t.like(refusal({ options: ['rprivate', 'rshared'] }), { field: '/mounts/0/options/1' });
  t.like(refusal({ readonly: true, options: ['rw'] }), { field: '/mounts/0/options' });
  t.like(refusal({ readonly: false, options: ['rro'] }), { field: '/mounts/0/options' });
  t.like(refusal({ options: ['size=5'] }), { field: '/mounts/0/options/0' });
  for (const word of ['rbind', 'idmap', 'rshared', 'size=', 'size', 'rnosuid', 'upperdir=/x']) {
    const run = () => build({ mounts: [{ type: 'tmpfs', destination: '/data', options: [word] }] });
    t.like(fault(run), { field: '/mounts/0/options/0' }, word);
  }
});

const places = (asked: RunOptions) => build(asked).spec.mounts?.map(({ destination, type }) => `${destination} ${type ?? ''}`);

test('a mount takes the place of a default one; the others follow, parents first', (t) => {
  const mounts: MountOption[] = [
    { type: 'tmpfs', destination: '/a/b/c' },
    { type: 'tmpfs', destination: '/a/' },
    { type: 'bind', source: '/x', destination: '/dev/shm' },
    { type: 'tmpfs', destination: '/a/b' },
  ];
  t.deepEqual(places({ mounts }), [
    '/proc proc', '/dev tmpfs', '/dev/pts devpts', '/dev/shm bind', '/dev/mqueue mqueue', '/sys sysfs', '/sys/fs/cgroup cgroup',
    '/a tmpfs', '/a/b tmpfs', '/a/b/c tmpfs',
  ]);
  t.notThrows(() => build({ mounts: [{ type: 'bind', source: '/x', destination: '/proc/meminfo' }] }));
});

test("sharing the ipc namespace shares what shm_open uses, and leaves out what cannot be mounted", (t) => {
  const host = places({ namespaces: { ipc: 'host' } });
  t.true(host?.includes('/dev/shm bind'));
  t.false(host?.includes('/dev/mqueue mqueue'));
  t.true(places({ namespaces: { ipc: 'host', user: 'host' } })?.includes('/dev/mqueue mqueue'));
  t.true(places({ namespaces: { ipc: { path: '/x' } } })?.includes('/dev/shm tmpfs'));
});

test('a place that is mounted over gets no file', (t) => {
  const { extensions } = build({ mounts: [{ type: 'bind', source: '/x', destination: '/etc//hosts' }] });
  t.deepEqual(Object.keys(extensions.files ?? {}), ['/etc/hostname', '/etc/resolv.conf']);
});

test("a bundle's mounts stay, but where another is asked for", (t) => {
  const mounts = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev/shm/', type: 'tmpfs', source: 'shm', options: ['size=1'] },
    { destination: '/etc/hosts', type: 'bind', source: '/h', options: ['bind'] },
    { destination: '/sys', type: 'sysfs', source: 'sysfs', options: ['nosuid', 'ro'] },
  ];
  t.deepEqual(buildBundle({}, { mounts }).spec.mounts, mounts);
  t.is(buildBundle({}, { mounts }).extensions.files, undefined);
  t.deepEqual(buildBundle({ privileged: true }, { mounts }).spec.mounts?.[3]?.options, ['nosuid']);
  const asked = buildBundle({ shmBytes: 4096, addHosts: { a: '::1' }, mounts: [{ type: 'tmpfs', destination: '/proc/stat' }] }, { mounts }).spec.mounts ?? [];
  t.deepEqual(asked.map(({ destination }) => destination), ['/proc', '/dev/shm', '/sys', '/proc/stat']);
  t.true(asked[1]?.options?.includes('size=4096'));
  t.deepEqual(buildBundle({ shmBytes: '0m' }, { mounts }).spec.mounts, mounts, 'nothing asked for');
  t.true(build({ shmBytes: 0 }).spec.mounts?.some(({ options }) => options?.includes('size=67108864') === true), 'not without bound');
});
