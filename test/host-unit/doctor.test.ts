import test from 'ava';
import { gatherDoctorFacts, type DoctorOptions } from '../../src/host/doctor-facts.js';
import { diagnose, type Finding } from '../../src/host/doctor.js';
import { TMPFS_MAGIC } from '../../src/host/fs-types.js';
import { probeHost } from '../../src/host/probe.js';
import { delegatedUser, fakeReader, hybrid, onlyV1, pureV2, type FakeHost } from './fake-host.js';

interface Setting {
  readonly uid?: number;
  readonly release?: string;
  readonly landlockAbi?: number;
  readonly deviceProgramErrno?: number;
  readonly doctor?: Partial<DoctorOptions>;
}

function examine(host: FakeHost, { uid = 0, release = '6.18.0', landlockAbi = 7, deviceProgramErrno = 0, doctor = {} }: Setting = {}): Map<string, Finding> {
  const reader = fakeReader(host);
  const facts = probeHost({ reader, uid, gid: uid, release, arch: 'x64', native: { landlockAbi: () => landlockAbi, deviceProgramProbe: () => deviceProgramErrno } });
  const user = { name: 'alice', uid };
  const more = gatherDoctorFacts({ reader, stateRoot: '/run/tsrun', user, searchPath: ['/usr/bin'], ...doctor });
  return new Map(diagnose(facts, more).map((finding) => [finding.topic, finding]));
}

const add = (host: FakeHost, files: Record<string, string>, fsTypes: Record<string, number> = {}): FakeHost => ({
  ...host,
  files: { ...host.files, ...files },
  fsTypes: { ...host.fsTypes, ...fsTypes },
});

const fullCapabilities = '/proc/self/status';
const perfect = add(
  { ...pureV2, writable: [...(pureV2.writable ?? []), '/dev/net/tun'] },
  {
    '/proc/self/uid_map': '         0          0 4294967295\n',
    '/proc/pressure/memory': '',
    '/usr/bin/pasta': '',
    '/usr/bin/nft': '',
    [fullCapabilities]: 'CapEff:\t000001ffffffffff\nSeccomp_filters:\t0\n',
  },
  { '/run': TMPFS_MAGIC, '/': 0xef53 },
);
const idmap = () => ({ ok: true }) as const;

test('a host that has everything gets nothing but yes', (t) => {
  const findings = [...examine(perfect, { doctor: { idmap, folders: [{ label: 'images', path: '/' }] } }).values()];
  t.deepEqual(findings.filter(({ ok }) => ok !== 'yes'), []);
  t.true(findings.length > 15);
});

test('device rules are held by whoever may load their program', (t) => {
  t.is(examine(perfect).get('device rules')?.ok, 'yes');
  t.like(examine(perfect, { deviceProgramErrno: 1 }).get('device rules'), { ok: 'partly', text: 'the kernel loads no program that holds them' });
  t.like(examine(delegatedUser, { uid: 1000 }).get('device rules'), { ok: 'partly', remedy: 'run as root' });
});

test('the network user: its device, its programs, by what is there of them', (t) => {
  const network = (host: FakeHost) => examine(host, { uid: 1000 }).get('network user');
  const { '/usr/bin/pasta': pasta = '', '/usr/bin/nft': nft = '', ...bare } = perfect.files;
  const device = { '/dev/net/tun': '' };
  t.like(network(perfect), { ok: 'yes', text: '/usr/bin/pasta, /usr/bin/nft, and /dev/net/tun can be opened' });
  t.like(network({ ...perfect, writable: [], files: { ...perfect.files, ...device } }), { ok: 'no', text: 'this user may not open /dev/net/tun', remedy: 'chmod 666 /dev/net/tun, which is what udev makes it; it gives nobody more than an interface in a network of their own' });
  t.like(examine({ ...perfect, writable: perfect.writable?.filter((path) => path !== '/dev/net/tun') ?? [], files: { ...perfect.files, ...device } }).get('network user'), { ok: 'no', text: 'device rules of a cgroup keep root from /dev/net/tun' });
  t.like(network({ ...perfect, writable: [] }), { ok: 'no', text: 'there is no /dev/net/tun', remedy: 'modprobe tun' });
  t.like(network({ ...perfect, files: { ...bare, '/usr/bin/nft': nft } }), { ok: 'no', remedy: 'apt-get install passt' });
  t.like(network({ ...perfect, files: { ...bare, '/usr/bin/nft': nft, '/usr/bin/slirp4netns': '' } }), { ok: 'yes', text: '/usr/bin/slirp4netns, /usr/bin/nft, and /dev/net/tun can be opened' });
  t.like(network({ ...perfect, files: { ...bare, '/usr/bin/pasta': pasta } }), { ok: 'no', remedy: 'apt-get install nftables' });
});

test('every finding that is not a yes says what it costs and how to change it', (t) => {
  const hosts: [FakeHost, Setting][] = [
    [perfect, {}],
    [hybrid, {}],
    [onlyV1, { release: '4.19.0', landlockAbi: 0 }],
    [{ files: {} }, { release: '5.15.0', landlockAbi: 3 }],
    [{ files: {} }, { uid: 1000 }],
    [delegatedUser, { uid: 1000, release: '6.1.0' }],
    [perfect, { doctor: { folders: [{ label: 'images', path: '/' }], idmap: () => ({ ok: false, errno: 'EINVAL' }) } }],
  ];
  for (const [host, setting] of hosts) {
    for (const finding of examine(host, setting).values()) {
      t.not(finding.text, '');
      if (finding.ok === 'yes') continue;
      t.not(finding.cost, '', finding.topic);
      t.not(finding.remedy, '', finding.topic);
    }
  }
});

test('kernel versions', (t) => {
  const kernel = (release: string) => [...examine(perfect, { release }).values()].filter(({ topic }) => topic.startsWith('kernel')).map(({ topic, ok }) => `${topic} ${ok}`);
  t.deepEqual(kernel('5.10.0'), ['kernel no']);
  t.deepEqual(kernel('5.15.0'), ['kernel partly', 'kernel 6.3 no', 'kernel 6.5 no', 'kernel 6.15 no']);
  t.deepEqual(kernel('6.12.0'), ['kernel yes', 'kernel 6.3 yes', 'kernel 6.5 yes', 'kernel 6.15 no']);
});

test('landlock by its ABI', (t) => {
  t.is(examine(perfect, { landlockAbi: 0 }).get('landlock')?.ok, 'no');
  t.is(examine(perfect, { landlockAbi: 4 }).get('landlock')?.ok, 'partly');
  t.is(examine(perfect, { landlockAbi: 6 }).get('landlock')?.ok, 'yes');
});

test('a hybrid host: each controller with the mount that holds it', (t) => {
  const findings = examine(hybrid);
  t.is(findings.get('cgroup')?.ok, 'partly');
  t.is(findings.get('cgroup memory')?.text, 'on cgroup v1, mounted at /sys/fs/cgroup/memory');
  t.like(findings.get('cgroup io'), { ok: 'no', remedy: 'boot with cgroup_no_v1=blkio' });
  t.is(findings.get('cgroup hugetlb')?.ok, 'yes');
  t.is(findings.get('cgroup pids')?.text, 'not handed down to tsrun');
});

test('v1 alone is a no without a list of controllers', (t) => {
  const findings = examine(onlyV1);
  t.is(findings.get('cgroup')?.ok, 'no');
  t.false(findings.has('cgroup memory'));
});

test('an ordinary user: delegation, helpers, subordinate ids', (t) => {
  const without = examine({ ...delegatedUser, writable: [] }, { uid: 1000 });
  t.is(without.get('cgroup base')?.ok, 'no');
  t.is(without.get('newuidmap')?.text, 'newuidmap and newgidmap not found');
  t.is(without.get('subordinate uids')?.ok, 'no');
  const files = { '/usr/bin/newuidmap': '', '/usr/bin/newgidmap': '', '/etc/subuid': 'alice:100000:65536\n', '/etc/subgid': 'alice:100000:1000\n' };
  const having = examine(add(delegatedUser, files), { uid: 1000 });
  t.is(having.get('cgroup base')?.ok, 'yes');
  t.is(having.get('newuidmap')?.ok, 'yes');
  t.is(having.get('subordinate uids')?.ok, 'yes');
  t.is(having.get('subordinate gids')?.ok, 'partly');
  t.is(having.get('capabilities')?.ok, 'yes');
});

test('who blocks user namespaces is named', (t) => {
  const text = (files: Record<string, string>, uid = 1000) => examine(add(perfect, files), { uid }).get('user namespaces')?.text ?? '';
  t.regex(text({ '/proc/sys/user/max_user_namespaces': '0\n' }, 0), /max_user_namespaces/);
  t.regex(text({ '/proc/sys/kernel/unprivileged_userns_clone': '0\n' }), /unprivileged_userns_clone/);
  t.regex(text({ '/proc/sys/kernel/apparmor_restrict_unprivileged_userns': '1\n' }), /AppArmor/);
});

test('running inside a container is told', (t) => {
  t.is(examine(perfect).get('surroundings')?.ok, 'yes');
  t.regex(examine(add(perfect, { '/.dockerenv': '' })).get('surroundings')?.text ?? '', /dockerenv/);
  t.regex(examine(add(perfect, { '/proc/self/uid_map': '0 100000 65536\n' })).get('surroundings')?.text ?? '', /user namespace/);
});

test('the state root on a disk', (t) => {
  t.is(examine(perfect).get('state root')?.ok, 'yes');
  t.like(examine(add(perfect, {}, { '/run': 0xef53 })).get('state root'), { ok: 'partly', text: '/run/tsrun is on a disk (/run: ext2/ext3/ext4)' });
});

test('id-mapping is tried on the nearest folder that exists', (t) => {
  const asked: string[] = [];
  const probe = (path: string) => {
    asked.push(path);
    return path === '/run' ? ({ ok: false, errno: 'EINVAL' } as const) : ({ ok: true } as const);
  };
  const folders = [{ label: 'volatile', path: '/run/images' }, { label: 'images', path: '/var/lib/tsrun/images' }];
  const findings = examine(perfect, { release: '6.1.0', doctor: { idmap: probe, folders } });
  t.deepEqual(asked, ['/run', '/']);
  t.deepEqual(findings.get('id-mapping: volatile'), {
    topic: 'id-mapping: volatile',
    ok: 'no',
    text: '/run/images (tmpfs): EINVAL',
    cost: 'images and volumes there cannot be used with a user namespace, only with --userns host',
    remedy: 'run Linux 6.3 or newer, or use ext4, xfs or btrfs',
  });
  t.is(findings.get('id-mapping: images')?.ok, 'yes');
  t.is(examine(perfect, { doctor: { folders } }).get('id-mapping: images')?.ok, 'partly');
  t.false(findings.has('id-mapping: state root'));
});

test('what stands in the way of a default run is marked', (t) => {
  const blocking = (host: FakeHost, setting: Setting = {}) =>
    [...examine(host, setting).values()].filter((finding) => finding.ok !== 'yes' && finding.blocks === true).map(({ topic }) => topic);
  const folders = [{ label: 'images', path: '/srv' }];
  t.deepEqual(blocking(perfect), []);
  t.deepEqual(blocking(hybrid, { release: '6.1.0', landlockAbi: 0 }), []);
  t.deepEqual(blocking(add(perfect, { [fullCapabilities]: 'CapEff:\t0\nSeccomp_filters:\t0\n' })), ['CAP_SYS_ADMIN', 'CAP_SETUID', 'CAP_SETGID', 'CAP_SETPCAP']);
  t.deepEqual(blocking(perfect, { release: '5.15.0' }), ['kernel']);
  t.deepEqual(blocking(perfect, { doctor: { folders, idmap: () => ({ ok: false, errno: 'EINVAL' }) } }), ['id-mapping: images']);
  const noNamespaces = add(perfect, { '/proc/sys/user/max_user_namespaces': '0\n' });
  t.deepEqual(blocking(noNamespaces, { doctor: { folders, idmap: () => ({ ok: false, errno: 'ENOSPC' }) } }), ['user namespaces'], 'nothing is said against the folder');
  t.deepEqual(blocking(add(perfect, { '/proc/filesystems': 'ext4\n', '/proc/sys/user/max_user_namespaces': '0\n' })), ['overlay', 'user namespaces']);
});

test('each missing capability with what it costs', (t) => {
  const findings = examine(add(perfect, { [fullCapabilities]: 'CapEff:\t000001fffeffffff\nSeccomp_filters:\t0\n' }));
  t.false(findings.has('capabilities'));
  t.like(findings.get('CAP_SYS_RESOURCE'), { ok: 'partly', text: 'not held' });
});

test('swap, seccomp, pressure, time', (t) => {
  const findings = examine({ files: { '/proc/meminfo': 'MemTotal: 1 kB\nSwapTotal: 0 kB\n' } });
  for (const topic of ['swap', 'seccomp', 'pressure', 'time namespaces', 'overlay']) t.is(findings.get(topic)?.ok, 'no', topic);
});
