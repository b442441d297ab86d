/**
 * What a test needs of its host. `needs('root', 'cgroup2:memory')('title', body)` declares the test, or a skip whose title ends with
 * what is missing: the runner reads it there, and matches the bare title with other lanes. Probes look at the host themselves, never
 * through the code under test: a wrong answer there must not silence the test that would find it.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';

export type Need =
  | 'root'
  /** A new user namespace, and a mount namespace in it. */
  | 'userns'
  | 'timens'
  /** Built in, and switched on. */
  | 'apparmor'
  /** As the first process (sd_booted(3)). */
  | 'systemd'
  | 'overlay'
  | 'swap'
  /** A v2 tree in which this user may make cgroups, beside v1 mounts or not. */
  | 'cgroup2'
  /** The same, with a controller that it can hand down. */
  | `cgroup2:${string}`
  /** Nothing is mounted as v1 and nothing held there. */
  | 'cgroup:pure'
  | 'cgroup:hybrid'
  /** At least this version, as in `kernel:6.3`. */
  | `kernel:${number}.${number}`
  /** In this process, as in `capability:CAP_SYS_RESOURCE`. */
  | `capability:${CapabilityName}`
  /** A program on PATH. */
  | `command:${string}`
  /** A device or another file. */
  | `file:/${string}`
  /** `vm` is any guest, `bare` is none, else a lane's name. */
  | `lane:${string}`;

type CapabilityName = keyof typeof capabilityNumbers;

const capabilityNumbers = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_SYS_NICE: 23, CAP_SYS_RESOURCE: 24, CAP_MKNOD: 27, CAP_SETFCAP: 31 };

/** The first word of a need, and how to find out; the argument is what stands behind its colon. */
const probes: Readonly<Record<string, (argument: string) => boolean>> = {
  root: () => process.geteuid?.() === 0,
  userns: () => succeeds('unshare', ['--user', '--map-root-user', '--mount', 'true']),
  timens: () => existsSync('/proc/self/ns/time'),
  apparmor: () => textOf('/sys/module/apparmor/parameters/enabled') === 'Y\n',
  systemd: () => existsSync('/run/systemd/system'),
  overlay: () => succeeds('unshare', [...rootIfNeeded(), '--mount', 'sh', '-c', overlayScript]),
  swap: () => !/^SwapTotal:\s*0 kB$/m.test(textOf('/proc/meminfo')),
  cgroup2: (controller) => hasWritableCgroup() && (controller === '' || controllers().includes(controller)),
  cgroup: (mode) => (mode === 'hybrid' ? cgroupRoot() === hybridMount : cgroupRoot() === pureMount),
  kernel: (version) => atLeast(release(), version),
  capability: hasCapability,
  command: (name) => (process.env['PATH'] ?? '').split(':').some((folder) => isExecutable(join(folder, name))),
  file: (path) => existsSync(path),
  lane: (name) => (name === 'vm' ? lane() !== bareLane : lane() === name),
};

const bareLane = 'bare';
const pureMount = '/sys/fs/cgroup';
const hybridMount = '/sys/fs/cgroup/unified';
const overlayScript =
  'mount -t tmpfs tmpfs /tmp && mkdir /tmp/lower /tmp/upper /tmp/work && ' +
  'mount -t overlay -o lowerdir=/tmp/lower,upperdir=/tmp/upper,workdir=/tmp/work overlay /tmp/lower';

const known = new Map<string, boolean>();

export type Declare = (title: string, body: (t: ExecutionContext) => void | Promise<void>) => void;

export function needs(...all: readonly Need[]): Declare {
  const lacking = missing(...all);
  if (lacking.length === 0) {
    return (title, body) => {
      test(title, body);
    };
  }
  return (title, body) => {
    test.skip(`${title} (needs ${lacking.join(', ')})`, body);
  };
}

/** Where the lane that can run a test takes minutes for it: in the short form there is no such test. */
export function inLongForm(...all: readonly Need[]): Declare {
  return process.env['TSRUN_LONG'] === '1' ? needs(...all) : () => undefined;
}

/** Those that this host does not have. Each is looked for once a process. */
export function missing(...all: readonly Need[]): Need[] {
  return all.filter((need) => {
    const answer = known.get(need) ?? ask(need);
    known.set(need, answer);
    return !answer;
  });
}

function ask(need: Need): boolean {
  const [name = '', ...rest] = need.split(':');
  const probe = probes[name];
  if (probe === undefined) throw new Error(`no probe for the need ${need}`);
  return probe(rest.join(':'));
}

function lane(): string {
  return process.env['TSRUN_LANE'] ?? bareLane;
}

/** A mount namespace needs a user namespace around it when one is not root. */
function rootIfNeeded(): string[] {
  return process.geteuid?.() === 0 ? [] : ['--user', '--map-root-user'];
}

/** Where cgroup v2 is mounted. */
export function cgroupRoot(): string | undefined {
  return [pureMount, hybridMount].find((folder) => existsSync(join(folder, 'cgroup.controllers')));
}

function hasWritableCgroup(): boolean {
  const root = cgroupRoot();
  return root !== undefined && ['', 'cgroup.procs', 'cgroup.subtree_control'].every((file) => isWritable(join(root, file)));
}

function controllers(): string[] {
  return textOf(join(cgroupRoot() ?? '', 'cgroup.controllers')).trim().split(' ');
}

function hasCapability(name: string): boolean {
  const number = new Map(Object.entries(capabilityNumbers)).get(name);
  if (number === undefined) throw new Error(`no number for ${name}`);
  const mask = /^CapEff:\s*([0-9a-f]+)$/m.exec(textOf('/proc/self/status'))?.[1] ?? '0';
  return ((BigInt(`0x${mask}`) >> BigInt(number)) & 1n) === 1n;
}

function atLeast(have: string, want: string): boolean {
  const [major = 0, minor = 0] = have.split('.').map((part) => Number.parseInt(part, 10));
  const [wantMajor = 0, wantMinor = 0] = want.split('.').map(Number);
  return major > wantMajor || (major === wantMajor && minor >= wantMinor);
}

function succeeds(command: string, args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 60_000 }).status === 0;
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

const isWritable = (path: string): boolean => isAccessible(path, constants.W_OK);
const isExecutable = (path: string): boolean => isAccessible(path, constants.X_OK);

function isAccessible(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
