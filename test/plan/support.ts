/** Plans to compile without a host: an invented one, its images, and what stands for everything that a start decides. */
import { readFileSync } from 'node:fs';
import { userToResolve } from '../../src/container/build/build-process.js';
import type { BuildInput } from '../../src/container/build/build-input.js';
import { buildSpec, type BuiltSpec } from '../../src/container/build/build-spec.js';
import type { ImageVolume } from '../../src/container/build/image-volumes.js';
import type { RunOptions } from '../../src/container/options/options.js';
import type { ResolvedDevice } from '../../src/container/build/resolve-devices.js';
import { validateRunOptions } from '../../src/container/options/validate-options.js';
import type { HostFacts } from '../../src/host/facts.js';
import type { ResolvedImage } from '../../src/image/resolved-image.js';
import { resolveUser } from '../../src/image/users.js';
import { compilePlan } from '../../src/plan/compile.js';
import type { PlanInput, StreamPlan } from '../../src/plan/input.js';
import type { Plan } from '../../src/plan/plan.js';
import { capabilityNames } from '../../src/spec/capabilities.js';
import type { Spec } from '../../src/spec/types.js';
import { validateSpec } from '../../src/spec/validate.js';

/** Debian 12 as it is installed: pure cgroup v2, every controller, swap. */
export const host: HostFacts = {
  kernel: { major: 6, minor: 1, release: '6.1.0' },
  arch: 'x64',
  cgroup: {
    mode: 'v2',
    root: '/sys/fs/cgroup',
    base: '/tsrun',
    controllers: ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids'],
    v1Controllers: {},
    writable: true,
    files: [
      ...['cgroup.events', 'cgroup.kill', 'cpu.idle', 'cpu.max', 'cpu.max.burst', 'cpu.stat', 'cpu.weight', 'cpuset.cpus', 'cpuset.mems'],
      ...['io.max', 'io.stat', 'io.weight', 'memory.events', 'memory.high', 'memory.low', 'memory.max', 'memory.oom.group', 'memory.peak'],
      ...['memory.swap.max', 'pids.events', 'pids.max'],
    ],
  },
  uid: 0,
  gid: 0,
  capabilities: capabilityNames,
  lastCapability: 40,
  landlockAbi: 6,
  cpuCount: 2,
  onlineCpus: '0-1',
  memoryBytes: 8 * 2 ** 30,
  pageBytes: 4096,
  swapBytes: 2 ** 30,
  supports: { overlay: true, userNamespaces: true, timeNamespaces: true, seccomp: true, apparmor: true, selinux: false, overlayLayerFds: false, idmappedTmpfs: false, deviceProgram: true },
};

export const rootfs: ResolvedImage = { kind: 'rootfs', rootPath: '/images/app', name: 'app' };

export function bundleOf(config: unknown): ResolvedImage {
  return { kind: 'bundle', rootPath: '/bundles/app/rootfs', name: 'app', spec: validateSpec(config) };
}

const accounts: Readonly<Record<string, string>> = {
  '/etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/home/web:/bin/sh\n',
  '/etc/group': 'root:x:0:\naudio:x:29:\nweb:x:1000:\n',
};

function readAccounts(path: string): Buffer | null {
  const text = accounts[path];
  return text === undefined ? null : Buffer.from(text);
}

export interface Compiled extends BuiltSpec {
  /** What the spec is built from. */
  readonly built: BuildInput;
  /** What the plan is compiled from. */
  readonly input: PlanInput;
  readonly plan: Plan;
}

export interface Setting {
  readonly options?: RunOptions;
  readonly image?: ResolvedImage;
  readonly host?: HostFacts;
  readonly devices?: readonly ResolvedDevice[];
  readonly hostNodes?: PlanInput['hostNodes'];
  readonly awaitStart?: boolean;
  readonly volumes?: readonly ImageVolume[];
}

/** Everything that `run` does before it sends a plan, with nothing of this machine in it. */
export function compile({ options = {}, image = rootfs, host: facts = host, devices = [], hostNodes = new Map(), awaitStart = false, volumes = [] }: Setting): Compiled {
  const checked = validateRunOptions({ command: image === rootfs ? ['/bin/app', 'serve'] : undefined, ...options });
  const id = options.id ?? 'run.1234';
  const user = resolveUser(userToResolve(checked, image), checked.groups ?? [], readAccounts);
  const idRange = checked.namespaces?.user === 'host' ? undefined : { start: 524_288, size: 65_536 };
  const built = { options: checked, image, host: facts, id, idRange, user, maxNofile: 1_048_576, devices, volumes, resolvConf: 'nameserver 192.0.2.1\n', hostCwd: '/work' };
  const { spec, extensions, ...stopping } = buildSpec(built);
  const input = { spec, extensions, host: facts, rootPath: image.rootPath, ...surroundings(id, checked), ...filterFor(spec), hostNodes, awaitStart };
  return { ...stopping, spec, extensions, built, input, plan: compilePlan(input) };
}

function surroundings(id: string, { terminal = false, stdin, stdout, stderr }: RunOptions): Pick<PlanInput, 'state' | 'cgroupPath' | 'stdin' | 'stdout' | 'stderr'> {
  const stream = (choice: RunOptions['stdin'], otherwise: StreamPlan): StreamPlan => {
    if (choice === undefined) return otherwise;
    return choice === 'inherit' || typeof choice === 'number' ? 'passed' : choice;
  };
  const streams = { stdin: stream(stdin, 'ignore'), stdout: stream(stdout, 'pipe'), stderr: stream(stderr, 'pipe') };
  return {
    state: { directory: `/run/tsrun/containers/${id}`, temporary: `/run/tsrun/containers/.launcher.${id}`, record: '{}' },
    cgroupPath: `/sys/fs/cgroup/tsrun/${id}-0`,
    ...(terminal === false ? streams : { stdin: 'pipe', stdout: 'pipe', stderr: 'ignore' }),
  };
}

/** Stands for the compiled filter; what it would be is the business of the tests of the profile. */
function filterFor(spec: Spec): Pick<PlanInput, 'filter'> {
  return spec.linux?.seccomp === undefined ? {} : { filter: { bytes: Uint8Array.of(6, 0, 0, 0, 0, 0, 0xff, 0x7f), flags: 0 } };
}

/** A plan as text that can be compared line by line: one step a line, bytes and large numbers in words; of a program what it holds. */
export function planText({ steps, passed, handedOver, slotCount }: Plan): string {
  const lines = steps.map(({ step, field, words = {} }) => {
    const members = Object.entries({ field, ...step, ...words }).map(([name, value]) => [name, name === 'program' ? '…' : plain(value)]);
    return `    ${JSON.stringify(Object.fromEntries(members))}`;
  });
  return `{\n  "slotCount": ${slotCount},\n  "passed": ${JSON.stringify(passed)},\n  "handedOver": ${JSON.stringify(handedOver)},\n  "steps": [\n${lines.join(',\n')}\n  ]\n}\n`;
}

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return `0x${value.toString(16)}`;
  return value instanceof Uint8Array ? Buffer.from(value).toString('latin1') : value;
}

export function readGolden(url: URL): string | undefined {
  try {
    return readFileSync(url, 'utf8');
  } catch {
    return undefined;
  }
}
