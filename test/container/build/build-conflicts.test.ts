import fc from 'fast-check';
import test from 'ava';
import type { BuildInput } from '../../../src/container/build/build-spec.js';
import type { RunOptions } from '../../../src/container/options/options.js';
import { capabilityNames } from '../../../src/spec/capabilities.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { validateExtensions, validateSpec } from '../../../src/spec/validate.js';
import { build, buildBundle, fault, host, user } from './build-support.js';

const shared = { namespaces: { user: 'host' } } as const;

/** Each is refused, with the option's name, before anything is touched. */
const conflicts: [options: RunOptions, field: string, message: RegExp, changes?: Partial<BuildInput>][] = [
  [{ command: [] }, '/command', /no command to run, and image "app" names none/],
  [{ command: [''] }, '/command/0', /name of the program is empty/],
  [{ entrypoint: [''] }, '/entrypoint/0', /name of the program is empty/],
  [{ hostname: 'a', namespaces: { uts: 'host' } }, '/hostname', /rename the host/],
  [{ domainname: 'a', namespaces: { uts: 'host' } }, '/domainname', /rename the host/],
  [{ sysctls: { 'kernel.hostname': 'x' } }, '/sysctls/kernel.hostname', /ids of its own/],
  [{ sysctls: { 'kernel.domainname': 'x' } }, '/sysctls/kernel.domainname', /ids of its own/],
  [{ rootBytes: 0 }, '/rootBytes', /needs room for writes/],
  [{ root: 'read-only', rootBytes: '1m' }, '/rootBytes', /a read-only root has no layer/],
  [{ root: 'writable', rootBytes: '1m' }, '/rootBytes', /a writable root has no layer/],
  [{ shmBytes: 1, namespaces: { ipc: 'host' } }, '/shmBytes', /is the host's/],
  [{ shmBytes: 1, mounts: [{ type: 'tmpfs', destination: '/dev/shm/' }] }, '/shmBytes', /another mount at \/dev\/shm/],
  [{ dns: ['192.0.2.1'], mounts: [{ type: 'bind', source: '/srv/etc', destination: '/etc/' }] }, '/dns', /lies in what is mounted at "\/etc\/"/],
  [{ addHosts: { a: '192.0.2.1' }, mounts: [{ type: 'bind', source: '/srv/hosts', destination: '/etc/hosts' }] }, '/addHosts', /mounted at "\/etc\/hosts"/],
  [{ network: 'host', sysctls: { 'net.ipv4.ip_forward': '1' } }, '/sysctls/net.ipv4.ip_forward', /would change the host/],
  [{ namespaces: { ipc: 'host' }, sysctls: { 'kernel.shmmax': '1' } }, '/sysctls/kernel.shmmax', /shares the host's ipc namespace/],
  [{ namespaces: { ipc: 'host' }, sysctls: { 'fs.mqueue.msg_max': '1' } }, '/sysctls/fs.mqueue.msg_max', /shares the host's ipc namespace/],
  [{ namespaces: { uts: 'host', user: 'host' }, sysctls: { 'kernel.hostname': 'x' } }, '/sysctls/kernel.hostname', /shares the host's uts namespace/],
  [{ timeOffsets: { monotonic: 1 }, namespaces: { time: 'host' } }, '/timeOffsets', /only in a new time namespace/],
  [{ namespaces: { pid: { path: '/proc/5/ns/pid' } } }, '/namespaces/pid', /cannot be joined from a new user namespace/],
  [{}, '/user', /user 65536 does not exist in the container, whose ids end at 65535/, { user: { ...user, uid: 65_536 } }],
  [{ groups: [70_000] }, '/groups', /group 70000 does not exist/, { user: { ...user, additionalGids: [0, 70_000] } }],
  [{ log: true, stdout: 'inherit' }, '/log', /stdout is handed on/],
  [{ log: true, stdout: 'ignore', stderr: 2 }, '/log', /stderr is handed on/],
  [{ memorySwap: '1g' }, '/memorySwap', /needs memory beside it/],
  [{ memory: '1g', memorySwap: '512m' }, '/memorySwap', /less than the memory limit/],
  [{ memory: '1m', memoryReservation: '2m' }, '/memoryReservation', /more than the limit/],
  [{ ulimits: { nofile: { soft: 5, hard: 4 } } }, '/ulimits/nofile/soft', /above the hard limit/],
  [{ ulimits: { nofile: { soft: 3, hard: 5 } } }, '/ulimits/nofile/soft', /too few to start with/],
  [{ ulimits: { nofile: { soft: 0, hard: 0 } } }, '/ulimits/nofile/soft', /too few to start with/],
  [{ ulimits: { core: { soft: -1, hard: 4 } } }, '/ulimits/core/soft', /above the hard limit/],
  [{ ulimits: { nofile: { soft: 5, hard: 5000 } } }, '/ulimits/nofile/hard', /above 4096, the most/, { maxNofile: 4096 }],
  [{ capAdd: ['CHOWN'], capDrop: ['cap_chown'] }, '/capAdd', /CAP_CHOWN is both added and dropped/],
  [{ capAdd: ['ALL'], capDrop: ['all'] }, '/capAdd', /ALL is both/],
  [{ mounts: [{ type: 'bind', destination: '/a' }] }, '/mounts/0/source', /needs a source/],
  [{ mounts: [{ type: 'tmpfs', source: '/a', destination: '/a' }] }, '/mounts/0/source', /has no source/],
  [{ mounts: [{ type: 'tmpfs', destination: '/a' }, { type: 'tmpfs', destination: '/b/../a/' }] }, '/mounts/1/destination', /two mounts at "\/a"/],
  [{ ...shared, mounts: [{ type: 'bind', source: '/', destination: '/a', options: ['idmap'] }] }, '/mounts/0/options', /needs a user namespace/],
  ...['/', '/..', '/proc', '/proc/self', '/proc/sys/kernel', '/x/../proc', '/dev', '/dev/', '/dev/pts/0', '/dev/ptmx', '/dev/console'].map(
    (destination): [RunOptions, string, RegExp] => [{ mounts: [{ type: 'tmpfs', destination }] }, '/mounts/0/destination', /mounted (?:at|over)/],
  ),
];

test('options that exclude each other are refused by name', (t) => {
  for (const [options, field, message, changes] of conflicts) {
    const error = fault(() => build(options, changes));
    t.is(error.code, 'ERR_TSRUN_INVALID_ARGUMENT', JSON.stringify(options));
    t.is(error.field, field);
    t.regex(error.message, message);
    t.truthy(error.hint, JSON.stringify(options));
  }
  const hintOf = (options: RunOptions) => fault(() => build(options)).hint;
  t.is(hintOf({ namespaces: { ipc: 'host' }, sysctls: { 'kernel.shmmax': '1' } }), 'drop --ipc host, or --sysctl');
  t.is(fault(() => buildBundle({ sysctls: { 'kernel.shmmax': '1' } }, { linux: { namespaces: [{ type: 'mount' }] } })).hint, 'give the container its own with --ipc private');
  t.like(fault(() => buildBundle({ root: 'writable' }, { root: { path: 'r', readonly: true } })), { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: '/root' });
});

test('several faults are counted', (t) => {
  t.regex(fault(() => build({ memorySwap: 5, capAdd: ['ALL'], capDrop: ['ALL'], hostname: 'a', namespaces: { uts: 'host' } })).message, /\(and 2 more\)$/);
});

const old = { ...host, landlockAbi: 5 };
const poor = { ...host, supports: { ...host.supports, userNamespaces: false, timeNamespaces: false } };

test('what this host cannot do is refused where it was asked for', (t) => {
  const rows: [RunOptions, string, Partial<BuildInput>][] = [
    [{}, '/namespaces/user', { host: poor }],
    [{ ...shared, timeOffsets: { monotonic: 1 } }, '/namespaces/time', { host: poor }],
    [{ landlock: true }, '/landlock', { host: old }],
    [{ strict: true }, '/landlock', { host: old }],
    [{ ...shared, capAdd: ['CHOWN', 'SYS_RESOURCE'] }, '/capAdd/1', {}],
    [{ capAdd: ['CHECKPOINT_RESTORE'] }, '/capAdd/0', { host: { ...host, lastCapability: 39 } }],
    [{}, '/namespaces/user', { idRange: undefined }],
  ];
  for (const [options, field, changes] of rows) t.like(fault(() => build(options, changes)), { code: 'ERR_TSRUN_HOST', field }, JSON.stringify(options));
  t.is(build({}, { host: old }).extensions.landlockScopes, undefined);
  t.is(build({ strict: true, landlock: false }, { host: old }).extensions.landlockScopes, undefined);
});

test('a parameter of the whole host is refused by the spec rules', (t) => {
  t.like(fault(() => build({ sysctls: { 'kernel.core_pattern': '|/x' } })), { code: 'ERR_TSRUN_INVALID_SPEC', field: '/linux/sysctl/kernel.core_pattern' });
});

test('devices must have been looked up', (t) => {
  t.throws(() => build({ devices: [{ source: '/dev/fuse' }] }, { devices: undefined }), { message: /resolveDevices/ });
});

const choice = fc.constantFrom('new' as const, 'host' as const, { path: '/run/ns' }, { fd: 5 });
const size = fc.constantFrom(0, 4096, '64m', '1g');
const anyMount = fc.record(
  {
    type: fc.constantFrom('bind' as const, 'tmpfs' as const),
    source: fc.constantFrom('/srv', 'a/b', '.'),
    destination: fc.constantFrom('/a', '/a/b', '/dev/shm', '/etc/hosts', '/sys', '/proc', '/'),
    readonly: fc.boolean(),
    options: fc.array(fc.constantFrom('ro', 'rw', 'exec', 'noexec', 'rshared', 'bind', 'idmap', 'size=1m', 'suid', 'bogus'), { maxLength: 3 }),
  },
  { requiredKeys: ['type', 'destination'] },
);
const capability = fc.constantFrom('ALL', ...capabilityNames);

const anyOptions: fc.Arbitrary<RunOptions> = fc.record(
  {
    hostname: fc.constant('box'),
    root: fc.constantFrom('disposable' as const, 'writable' as const, 'read-only' as const),
    rootBytes: size,
    mounts: fc.array(anyMount, { maxLength: 3 }),
    shmBytes: size,
    memory: size,
    memorySwap: fc.oneof(size, fc.constant(-1)),
    memoryReservation: size,
    cpus: fc.double({ min: 0.01, max: 64, noNaN: true }),
    pids: fc.constantFrom(-1, 1, 5000),
    capAdd: fc.array(capability, { maxLength: 3 }),
    capDrop: fc.array(capability, { maxLength: 3 }),
    privileged: fc.boolean(),
    noNewPrivileges: fc.boolean(),
    seccomp: fc.constantFrom('default' as const, 'unconfined' as const),
    systemPaths: fc.constantFrom('masked' as const, 'unconfined' as const),
    network: fc.constantFrom('none' as const, 'host' as const, { path: '/run/netns/a' }),
    namespaces: fc.record({ pid: choice, ipc: choice, uts: choice, user: choice, cgroup: choice, time: choice }, { requiredKeys: [] }),
    timeOffsets: fc.record({ monotonic: fc.integer({ min: -100, max: 100 }) }),
    ulimits: fc.constant({ nofile: { soft: 16, hard: -1 } }),
    strict: fc.boolean(),
    survive: fc.boolean(),
    terminal: fc.boolean(),
  },
  { requiredKeys: [] },
);

const clean = ['ERR_TSRUN_INVALID_ARGUMENT', 'ERR_TSRUN_HOST'];

test('any options make a valid spec or a clean error', (t) => {
  let built = 0;
  fc.assert(
    fc.property(anyOptions, fc.boolean(), (options, asBundle) => {
      try {
        const { spec, extensions } = asBundle ? buildBundle(options) : build(options);
        validateSpec(spec, extensions);
        validateExtensions(extensions);
        built++;
      } catch (error) {
        if (!TsrunError.is(error)) throw error;
        // A bundle without the namespaces that an option needs is told so in the spec's own words.
        if (!clean.includes(error.code) && !asBundle) throw error;
      }
    }),
    { numRuns: 1000 },
  );
  t.true(built > 20, String(built));
});
