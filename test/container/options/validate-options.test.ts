import { inspect } from 'node:util';
import test from 'ava';
import type { RunOptions } from '../../../src/container/options/options.js';
import { validateRunOptions } from '../../../src/container/options/validate-options.js';
import { faultOf } from '../../spec/mutate.js';

/** Every option, so that a new one is a compile error here. */
const full: Required<RunOptions> = {
  id: 'web.1',
  pull: 'never',
  platform: 'linux/arm64/v8',
  stack: './stack',
  checksum: `SHA256:${'0f'.repeat(32)}`,
  tlsVerify: false,
  authFile: './auth.json',
  imageLimits: { bytes: 1, entries: 1, ratio: 1 },
  onImageProgress: () => undefined,
  process: 'worker',
  command: ['node', 'server.js', ''],
  entrypoint: [],
  env: { PATH: '/bin', EMPTY: '' },
  cwd: '/app',
  user: 'app:app',
  groups: [5, 'audio'],
  umask: 0o22,
  hostname: 'box',
  domainname: 'example.test',
  terminal: { rows: 25, columns: 80 },
  stdin: 'pipe',
  stdout: 'inherit',
  stderr: 5,
  root: 'disposable',
  rootStorage: 'disk',
  rootBytes: '64m',
  mounts: [{ type: 'bind', source: 'data', destination: '/data', readonly: true, options: ['noexec'] }],
  imageVolumes: 'ignore',
  shmBytes: 1024,
  devices: [{ source: '/dev/fuse', destination: '/dev/fuse', access: 'rw' }],
  dns: ['1.1.1.1', '::1'],
  addHosts: { db: '10.0.0.1' },
  memory: '512M',
  memorySwap: -1,
  memoryReservation: '1.5g',
  cpus: 0.5,
  cpuShares: 1024,
  cpusetCpus: '0-3,7',
  pids: -1,
  ulimits: { nofile: { soft: 1024, hard: -1 } },
  pressure: ['memory', 'cpu'],
  shownLimits: { memory: '512m', cpus: 2 },
  unified: { 'memory.high': '1' },
  capAdd: ['NET_ADMIN', 'cap_chown'],
  capDrop: ['ALL', 'all'],
  privileged: false,
  noNewPrivileges: true,
  seccomp: { defaultAction: 'SCMP_ACT_ALLOW' },
  landlock: true,
  systemPaths: 'masked',
  apparmor: 'profile',
  sysctls: { 'net.core.somaxconn': '1' },
  network: { path: '/run/netns/a' },
  egress: [{ cidr: '198.51.100.0/24', ports: [80, '8000-8999'], protocol: 'tcp' }, { cidr: '2001:db8::1' }],
  bridgeRange: '10.99.0.0/16',
  namespaces: { pid: 'new', ipc: 'host', uts: { path: '/x' }, user: { fd: 3 }, cgroup: 'new', time: 'new' },
  timeOffsets: { monotonic: 1, boottime: -1 },
  init: true,
  oomScoreAdj: 0,
  stopSignal: 'SIGTERM',
  stopTimeoutMs: -1,
  timeoutMs: 1000,
  labels: { a: '' },
  annotations: { a: '' },
  survive: true,
  autoRemove: false,
  log: true,
  timings: true,
  strict: true,
  onWarning: () => undefined,
  signal: AbortSignal.abort(),
};

const fault = (options: unknown) => faultOf(() => validateRunOptions(options));

test('every option is known, and each may be left out', (t) => {
  t.is(fault(full), undefined);
  t.is(fault({}), undefined);
  t.is(fault({ env: process.env, cwd: undefined }), undefined);
  const others = [
    { terminal: true }, { stdin: 'ignore' }, { root: 'read-only' }, { memorySwap: '1g' }, { pids: 1 }, { seccomp: 'unconfined' },
    { network: 'none' }, { network: 'host' }, { network: { fd: 3 } }, { stopSignal: 'RTMIN+3' }, { stopTimeoutMs: 0 },
  ];
  for (const options of others) t.is(fault(options), undefined, inspect(options));
});

test('a wrong type for any option is an error with its name', (t) => {
  for (const name of Object.keys(full)) {
    for (const wrong of [null, [[]], 1.25, 2n ** 60n, 'a\0', () => 1, new Map()]) {
      if ((name === 'cpus' && wrong === 1.25) || (name.startsWith('on') && typeof wrong === 'function')) continue;
      const error = fault({ ...full, [name]: wrong });
      t.is(error?.code, 'ERR_TSRUN_INVALID_ARGUMENT', `${name} = ${inspect(wrong)}`);
      t.true(error?.field?.startsWith(`/${name}`), `${name} = ${inspect(wrong)}`);
    }
  }
});

test('an unknown option is refused with a suggestion', (t) => {
  t.like(fault({ memroy: '1g' }), { field: '/memroy', hint: 'did you mean "memory"?', message: 'option /memroy: unknown field' });
  for (const name of Object.keys(full)) t.is(fault({ [name.toUpperCase()]: full })?.hint, `did you mean "${name}"?`);
  t.like(fault(JSON.parse('{"__proto__":1}')), { field: '/__proto__' });
  t.like(fault({ constructor: 1 }), { field: '/constructor' });
  t.like(fault({ mounts: [{ type: 'tmpfs', destination: '/a', readOnly: true }] }), { field: '/mounts/0/readOnly', hint: 'did you mean "readonly"?' });
});

const faults: [options: object, field: string, message: RegExp][] = [
  [{ id: '../x' }, '/id', /found "\.\.\/x"/],
  [{ id: '-a' }, '/id', /neither/],
  [{ env: { 'A=B': '' } }, '/env/A=B', /without "="/],
  [{ env: { '': '' } }, '/env/', /without "="/],
  [{ cwd: 'app' }, '/cwd', /absolute path/],
  [{ user: 'a:b:c' }, '/user', /"user:group"/],
  [{ user: '' }, '/user', /"user:group"/],
  [{ user: '1:' }, '/user', /"user:group"/],
  [{ groups: [4294967295] }, '/groups/0', /from 0 to 4294967294/],
  [{ umask: 0o1000 }, '/umask', /from 0 to 511/],
  [{ hostname: 'a b' }, '/hostname', /without spaces/],
  [{ terminal: { rows: 1 } }, '/terminal/columns', /found nothing/],
  [{ stdin: 'pip' }, '/stdin', /a stream/],
  [{ stdin: -1 }, '/stdin', /from 0/],
  [{ memory: '1x' }, '/memory', /a size such as/],
  [{ memory: -1 }, '/memory', /from 0/],
  [{ memory: 2 ** 53 }, '/memory', /a size/],
  [{ memorySwap: -2 }, '/memorySwap', /-1 or/],
  [{ cpus: 0 }, '/cpus', /from 0\.01/],
  [{ cpus: NaN }, '/cpus', /found NaN/],
  [{ cpuShares: 1 }, '/cpuShares', /0 or an integer from 2/],
  [{ cpusetCpus: '3-1' }, '/cpusetCpus', /ranges/],
  [{ pids: 0 }, '/pids', /-1 or an integer from 1/],
  [{ ulimits: { NOFILE: { soft: 1, hard: 1 } } }, '/ulimits/NOFILE', /one of cpu, fsize/],
  [{ ulimits: { nofile: { soft: 1 } } }, '/ulimits/nofile/hard', /found nothing/],
  [{ unified: { 'a/b': '' } }, '/unified/a~1b', /cgroup v2 file/],
  [{ capAdd: ['NET_ADMN'] }, '/capAdd/0', /a capability/],
  [{ sysctls: { 'net.a': '1\n2' } }, '/sysctls/net.a', /one line/],
  [{ dns: ['localhost'] }, '/dns/0', /IP address/],
  [{ addHosts: { 'a b': '::1' } }, '/addHosts/a b', /host name/],
  [{ addHosts: { a: '::1\n::2 b' } }, '/addHosts/a', /IP address/],
  [{ devices: [{ source: '/dev/x', access: 'rx' }] }, '/devices/0/access', /r, w and m/],
  [{ seccomp: { defaultAction: 'SCMP_ACT_ALOW' } }, '/seccomp/defaultAction', /an action/],
  [{ seccomp: 'none' }, '/seccomp', /a profile/],
  [{ network: 'bridged' }, '/network', /a network/],
  [{ network: { path: 'x' } }, '/network/path', /absolute path/],
  [{ namespaces: { network: 'host' } }, '/namespaces/network', /unknown field/],
  [{ timeOffsets: { monotonic: 1.5 } }, '/timeOffsets/monotonic', /an integer/],
  [{ oomScoreAdj: 1001 }, '/oomScoreAdj', /from -1000 to 1000/],
  [{ stopSignal: 'SIGFOO' }, '/stopSignal', /a signal/],
  [{ stopTimeoutMs: 2 ** 31 }, '/stopTimeoutMs', /2147483647/],
  [{ labels: { '': 'x' } }, '/labels/', /not empty/],
  [{ onWarning: 'print' }, '/onWarning', /a function/],
  [{ signal: { aborted: false } }, '/signal', /AbortSignal/],
];

test('each rule has its own fault', (t) => {
  for (const [options, field, message] of faults) {
    const error = fault(options);
    t.is(error?.field, field);
    t.regex(error?.message ?? '', message);
  }
  t.is(fault({ capAdd: ['NET_ADMN'] })?.hint, 'did you mean "NET_ADMIN"?');
  t.is(fault({ capAdd: ['CAP_NET_ADMN'] })?.hint, 'did you mean "CAP_NET_ADMIN"?');
});
