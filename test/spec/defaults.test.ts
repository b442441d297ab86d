import test from 'ava';
import {
  defaultCapabilities, defaultEnvironment, defaultMaskedPaths, defaultMounts, defaultNamespaces, defaultReadonlyPaths, defaultRlimits, defaultSysctls,
} from '../../src/spec/defaults.js';

test("capabilities are podman's eleven less SETFCAP", (t) => {
  const podman = 'CHOWN DAC_OVERRIDE FOWNER FSETID KILL NET_BIND_SERVICE SETFCAP SETGID SETPCAP SETUID SYS_CHROOT'.split(' ');
  t.deepEqual([...defaultCapabilities], podman.filter((name) => name !== 'SETFCAP').map((name) => `CAP_${name}`));
});

test('every namespace but time is new', (t) => {
  t.deepEqual([...defaultNamespaces].sort(), ['cgroup', 'ipc', 'mount', 'network', 'pid', 'user', 'uts']);
});

test('what docker, podman and runc mask is masked', (t) => {
  const masked = new Set(defaultMaskedPaths([0, 3]));
  const docker = ['acpi', 'asound', 'interrupts', 'kcore', 'keys', 'latency_stats', 'sched_debug', 'scsi', 'timer_list', 'timer_stats'].map((name) => `/proc/${name}`);
  const others = ['/sys/firmware', '/sys/devices/virtual/powercap', '/sys/fs/selinux', '/sys/dev/block', '/proc/kallsyms', '/proc/kmsg', '/proc/modules'];
  const cpus = [0, 3].map((cpu) => `/sys/devices/system/cpu/cpu${cpu}/thermal_throttle`);
  for (const path of [...docker, ...others, ...cpus]) t.true(masked.has(path), path);
  t.is(masked.size, defaultMaskedPaths([0, 3]).length);
  t.deepEqual([...defaultReadonlyPaths], ['/proc/bus', '/proc/fs', '/proc/irq', '/proc/sys', '/proc/sysrq-trigger']);
  // A program needs its own pressure files, and its network's.
  for (const path of ['/proc/pressure', '/proc/net', '/proc/self', '/proc/meminfo']) t.false(masked.has(path));
});

const choices = { shmBytes: 1024, mappedGids: 65_536, sysWritable: false, cgroupWritable: false };

test('mounts come in order, each with its walls', (t) => {
  const mounts = defaultMounts(choices);
  t.deepEqual(mounts.map(({ destination }) => destination), ['/proc', '/dev', '/dev/pts', '/dev/shm', '/dev/mqueue', '/sys', '/sys/fs/cgroup']);
  for (const { destination, options = [] } of mounts) {
    t.true(options.includes('nosuid') && options.includes('noexec'), destination);
    t.is(options.includes('nodev'), destination !== '/dev' && destination !== '/dev/pts', destination);
    t.is(options.includes('ro'), destination.startsWith('/sys'), destination);
  }
  t.true(mounts[3]?.options?.includes('size=1024'));
  t.notDeepEqual(mounts[0]?.options, undefined);
  t.not(mounts[0]?.options, mounts[4]?.options, 'no two share an array');
});

test('what is opened is opened alone', (t) => {
  const readonly = (changed: object) => defaultMounts({ ...choices, ...changed }).filter(({ options }) => options?.includes('ro')).map(({ type }) => type);
  t.deepEqual(readonly({ sysWritable: true }), ['cgroup']);
  t.deepEqual(readonly({ cgroupWritable: true }), ['sysfs']);
  const pts = (mappedGids: number) => defaultMounts({ ...choices, mappedGids })[2]?.options?.includes('gid=5');
  t.deepEqual([1, 5, 6].map(pts), [false, false, true]);
});

test('limits stay below what the caller may give', (t) => {
  t.deepEqual(defaultRlimits(1_048_576), [
    { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
    { type: 'RLIMIT_NOFILE', soft: 1024, hard: 4096 },
  ]);
  t.like(defaultRlimits(2000)[1], { soft: 1024, hard: 2000 });
  t.like(defaultRlimits(256)[1], { soft: 256, hard: 256 });
});

test('the groups that may ping are groups that exist', (t) => {
  const range = (mapped: number) => defaultSysctls(mapped)['net.ipv4.ping_group_range'];
  t.is(range(65_536), '0 65535');
  t.is(range(1), '0 0');
  t.is(range(4_294_967_295), '0 2147483647');
  t.is(defaultSysctls(1)['net.ipv4.ip_unprivileged_port_start'], '0');
});

test("the environment is docker's", (t) => {
  t.deepEqual(Object.keys(defaultEnvironment({ hostname: 'a', home: '/root', terminal: true })), ['PATH', 'HOSTNAME', 'TERM', 'HOME']);
  t.deepEqual(Object.keys(defaultEnvironment({ home: '/', terminal: false })), ['PATH', 'HOME']);
});
