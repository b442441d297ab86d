// Every option with values that it may not have: refused by its name, and nothing is touched.
import { readdirSync, readFileSync } from 'node:fs';
import { TsrunError, type RunOptions } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { cgroupsOf, launchersOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

/** The compiler demands a line for each option there is, as it demands a shape for each (`validate-options.ts`). */
const bad: Readonly<Record<keyof Required<RunOptions>, readonly unknown[]>> = {
  id: ['../x', '', 5, '-x', 'a/b', 'x'.repeat(129)],
  pull: ['sometimes', true, ''],
  platform: ['linux/amd64/v1/x', 'linux/../x', '../x', 5],
  stack: ['', 5, 'a\0b'],
  checksum: ['', 5, 'MD5:x', `sha256:${'0'.repeat(63)}`, '0'.repeat(64)],
  tlsVerify: ['false', 0],
  authFile: ['', 5, 'a\0b'],
  imageLimits: [5, { bytes: 0 }, { entries: 1.5 }, { ratio: '4' }, { files: 1 }],
  onImageProgress: ['print', {}],
  process: ['', 5, 'web', 'a\0b'],
  command: [[], [''], 'true', ['a\0b'], [5], {}],
  entrypoint: [[''], 'sh', ['a\0b'], [null]],
  env: [{ 'A=B': '1' }, { '': '1' }, { A: 1 }, ['A=1'], { A: 'a\0b' }],
  cwd: ['relative', '', 5, '/a\0b'],
  user: ['', '1:', ':1', 'a b', 1000, 'root:root:root'],
  groups: [[''], 'audio', [-1], [1.5], [2 ** 32]],
  umask: [-1, 0o1000, '022', 1.5],
  hostname: ['a b', 'x'.repeat(65), 5],
  domainname: ['a b', 'x'.repeat(65), 5],
  terminal: ['yes', { rows: 24 }, { rows: -1, columns: 80 }, { rows: 24, columns: 70_000 }, 1],
  stdin: ['file', -1, 1.5, true],
  stdout: ['file', -2, {}],
  stderr: ['null', -1, []],
  root: ['none', true, 'Writable'],
  rootStorage: ['Disk', true],
  rootBytes: ['12 parsecs', -5, 2 ** 60, '1.5', true],
  mounts: [
    {}, [{}], [{ type: 'nfs', destination: '/a' }], [{ type: 'bind', source: '/tmp', destination: 'a' }], [{ type: 'bind', destination: '/a' }],
    [{ type: 'tmpfs', source: '/x', destination: '/a' }], [{ type: 'tmpfs', destination: '/' }], [{ type: 'tmpfs', destination: '/proc/self' }],
    [{ type: 'tmpfs', destination: '/a', readonly: 1 }], [{ type: 'tmpfs', destination: '/a', options: ['no such'] }], [{ type: 'tmpfs', destination: '/a', mode: 1 }],
    [{ type: 'tmpfs', destination: '/a' }, { type: 'tmpfs', destination: '/a/' }],
  ],
  imageVolumes: ['anonymous', true],
  shmBytes: ['lots', -1, NaN],
  devices: [[{}], [{ source: 'null' }], [{ source: '/dev/none' }], [{ source: '/etc/passwd' }], [{ source: '/dev/fuse', access: 'x' }], ['/dev/fuse']],
  dns: [['ns.example.test'], '1.1.1.1', [1], ['1.1.1.256']],
  addHosts: [{ a: 'b' }, { 'a b': '::1' }, ['a']],
  memory: ['12 parsecs', -5, 2 ** 60, 1.5, null],
  memorySwap: [-2, 'all', '1m'],
  memoryReservation: [-1, 'some', {}],
  cpus: [0, -1, 0.001, '2', Infinity, NaN],
  cpuShares: [1, -1, 300_000, 2.5],
  cpusetCpus: ['1-', 'all', 5, '0,,1'],
  pids: [0, -2, 1.5, '64', 2 ** 23],
  ulimits: [{ nofiles: { soft: 1, hard: 1 } }, { nofile: { soft: 2, hard: 1 } }, { nofile: 5 }, { nofile: { soft: 1 } }, { nofile: { soft: -2, hard: 1 } }],
  pressure: ['memory', ['disk'], [1], ['cpu', 'cpu', 'cpu', 'io']],
  shownLimits: ['512m', { memory: 'much' }, { cpus: 0 }, { swap: 1 }],
  unified: [{ '../memory.max': '1' }, { 'memory.high': undefined }, { 'cgroup.procs': 1 }, { 'a/b': '1' }],
  capAdd: [['SYS_ADMINN'], 'ALL', [21], ['']],
  capDrop: [['NO_SUCH'], [null], {}],
  privileged: ['yes', 1, null],
  noNewPrivileges: ['false', 0],
  seccomp: ['strict', {}, { defaultAction: 'ALLOW' }, { defaultAction: 'SCMP_ACT_ALLOW', archMap: 5 }, false],
  landlock: ['off', 0],
  systemPaths: ['open', true],
  apparmor: [5, 'a\nb', 'a\0b'],
  sysctls: [{ '': '1' }, { 'a/../b': '1' }, { 'net.core.somaxconn': 5 }, []],
  egress: [
    ...['10.0.0.0/33', '10.0.0', 'example.test', '::1%lo', '10.0.0.0/8 accept', '', 5].map((cidr) => [{ cidr }]),
    ...[[0], [65_536], ['80-79'], ['80;'], ['http'], [], 80].map((ports) => [{ cidr: '10.0.0.0/8', ports }]),
    [{ cidr: '10.0.0.0/8', protocol: 'icmp' }], [{ cidr: '10.0.0.0/8', port: 80 }], [{}], '10.0.0.0/8',
  ],
  bridgeRange: ['10.0.0.0', '10.0.0.0/31', '10.0.0.0/7', '2001:db8::/32', '10.0.0/16', 5],
  network: ['bridged', { path: 'ns' }, { fd: -1 }, {}, { path: '/a', fd: 1 }],
  namespaces: ['host', { user: 'mine' }, { net: 'host' }, { pid: { path: 'relative' } }, { ipc: { fd: 1.5 } }],
  timeOffsets: [{ monotonic: 1.5 }, { realtime: 1 }, { boottime: 2 ** 50 }, 5],
  init: ['tini', 1],
  oomScoreAdj: [2000, -1001, 0.5, '0'],
  stopSignal: ['SIGFOO', '', 0, '65'],
  stopTimeoutMs: [-2, 1.5, 2 ** 31, '10'],
  timeoutMs: [0, -1, 1.5, 2 ** 31, '10'],
  labels: [{ a: 1 }, ['a'], 'a=b', { a: 'x\0' }],
  annotations: [{ a: 1 }, [], { a: null }],
  survive: ['yes', 1],
  autoRemove: ['no', 0],
  log: ['on', {}],
  timings: ['svg', 1],
  strict: ['very', 1],
  onWarning: ['print', {}],
  signal: [{}, 'SIGTERM', { aborted: false }],
};

/** All that a start could leave: entries of the state root, cgroups, mounts here and in the launcher, processes of the launcher. */
function traces(): Record<string, unknown> {
  const [launcher = 0] = launchersOf(lab.stateRoot);
  return {
    entries: readdirSync(lab.stateRoot, { recursive: true }).sort(),
    cgroups: cgroupsOf(lab.prefix),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8'),
    home: readFileSync(`/proc/${launcher}/mountinfo`, 'utf8'),
    descriptors: readdirSync(`/proc/${launcher}/fd`).length,
    children: readFileSync(`/proc/${launcher}/task/${launcher}/children`, 'utf8'),
  };
}

here('every option is checked before anything is touched', async (t) => {
  const runtime = await lab.runtime();
  // The ids that it takes for its first container, and the descriptors, stay with the runtime.
  t.is((await lab.sh('true')).status.code, 0);
  const before = traces();
  const faulty: unknown[] = [];
  let count = 0;
  for (const [name, values] of Object.entries(bad)) {
    for (const value of values) {
      const options = { id: lab.newId(), command: ['true'], [name]: value };
      const said = await runtime.run(lab.image, options).then((container) => container.killAll(), (error: unknown) => error);
      if (!TsrunError.is(said) || said.code !== 'ERR_TSRUN_INVALID_ARGUMENT' || said.field?.startsWith(`/${name}`) !== true) faulty.push([name, value, said]);
      count++;
    }
  }
  t.deepEqual(faulty, []);
  t.true(count > 180, `${count} values`);
  t.deepEqual(traces(), before);
});

here('an image may stand among the options, and is checked there', async (t) => {
  const runtime = await lab.runtime();
  const container = await runtime.run({ image: lab.image, id: lab.newId(), command: ['true'] });
  t.like(await container.exited, { code: 0 });
  for (const first of [{ command: ['true'] }, { image: 5 }, 5, null]) {
    const said: unknown = await Promise.resolve(Reflect.apply(runtime.run.bind(runtime), undefined, [first])).catch((error: unknown) => error);
    t.true(TsrunError.is(said) && said.code === 'ERR_TSRUN_INVALID_ARGUMENT' && said.field === '/image', String(said));
  }
  await t.throwsAsync(runtime.run({ image: lab.image, ...{ nosuch: 1 } }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
});

here('control: what is touched is seen', async (t) => {
  t.is((await lab.sh('true')).status.code, 0);
  const before = traces();
  const container = await lab.idle();
  const during = traces();
  for (const kind of ['entries', 'cgroups', 'children'] as const) t.notDeepEqual(during[kind], before[kind], kind);
  await container.killAll();
  await container.exited;
});

lab.declareLeakTest();
