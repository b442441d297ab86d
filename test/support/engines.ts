/**
 * A machine of its own for engines, on this one's kernel: its namespaces, its /run, one pure cgroup v2. What they start, mount and leave
 * goes with the machine's first process. The runtime that they are told to use is tsrun-oci.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { endCgroup } from './cgroup-tree.js';
import { fixture, patience, scratchParent } from './lab.js';
import { inLongForm, needs } from './needs.js';
import { program, type Answer } from './oci-lab.js';
import { Pty, type PtyOptions } from './pty.js';
import { saveImages } from './saved-images.js';
import { until } from './until.js';

const checkout = resolve(import.meta.dirname, '../../..');
const cgroupRoot = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((folder) => existsSync(join(folder, 'cgroup.procs'))) ?? '';

/** For tests on an engine; the command is one that is installed for it. */
export const engineTest = (command: string) => needs('root', 'cgroup2', `file:/${program.slice(1)}`, `command:${command}`);

/** For tests on limits. A guest, which alone can hold them, needs minutes to start an engine: they are of the long form. */
export const limitsTest = inLongForm('root', 'cgroup2:memory', 'cgroup2:pids', 'cgroup2:cpu', 'command:podman', `file:/${program.slice(1)}`);

export const runtime = program;

/** Where nothing of the host's is changed: neither /run nor what engines keep below /var/lib, nor who may have which ids. */
const first = (folder: string) => `
mount -t sysfs sysfs /sys && mount -t cgroup2 cgroup2 /sys/fs/cgroup && mkdir /sys/fs/cgroup/host && echo 0 > /sys/fs/cgroup/host/cgroup.procs || exit
mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/tmp /run/home /run/lib/upper /run/lib/work /run/lib/seen /run/bin || exit
mount --bind ${folder} /run/lib/seen || exit
mount -t overlay -o lowerdir=/var/lib,upperdir=/run/lib/upper,workdir=/run/lib/work overlay /var/lib || exit
mkdir -p ${folder} && mount --move /run/lib/seen ${folder} || exit
for file in /etc/subuid /etc/subgid; do echo containers:500000:65536 > /run/ids; [ ! -e $file ] || mount --bind /run/ids $file; done
ln -s ${program} /run/bin/runc
ip link set lo up
hostname engines
echo ready
sleep infinity & wait $!`;

export class EngineLab {
  readonly #cgroup = join(cgroupRoot, `tsrun-engines-${process.pid}`);
  #machine: ChildProcess | undefined;
  #pid = 0;
  #count = 0;
  #folder: string | undefined;

  /** Seen inside too. */
  get folder(): string {
    this.#folder ??= mkdtempSync(join(scratchParent, 'tsrun-engines-'));
    return this.#folder;
  }

  /** Where an engine writes what it does, for who looks for a fault. */
  log(name: string): string {
    return join(this.folder, `${name}.log`);
  }

  async start(): Promise<void> {
    mkdirSync(this.#cgroup);
    handDown(cgroupRoot);
    const machine = spawn('sh', ['-c', 'echo $$ > "$0"; exec unshare --mount --pid --ipc --uts --net --cgroup --fork --kill-child --mount-proc sh -c "$1"', `${this.#cgroup}/cgroup.procs`, first(this.folder)], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.#machine = machine;
    const ready = await new Promise<string>((done) => {
      machine.stdout.once('data', (text: Buffer) => { done(text.toString()); });
      machine.once('exit', () => { done(''); });
    });
    if (ready !== 'ready\n') throw new Error('no machine for engines can be made here');
    // Nobody may be left in the cgroup that hands controllers down.
    writeFileSync(`${this.#cgroup}/host/cgroup.procs`, String(machine.pid));
    handDown(this.#cgroup);
    this.#pid = Number(readFileSync(`/proc/${String(machine.pid)}/task/${String(machine.pid)}/children`, 'utf8'));
  }

  /** A command in the machine, to its end. Its streams are files: what it starts would keep a pipe open. */
  async call(words: readonly string[], { input = '', env = {} }: { readonly input?: string; readonly env?: Readonly<Record<string, string>> } = {}): Promise<Answer> {
    const [inFile, outFile, errFile] = ['in', 'out', 'err'].map((name) => join(this.folder, `${name}-${this.#count++}`));
    if (inFile === undefined || outFile === undefined || errFile === undefined) throw new Error('no files');
    writeFileSync(inFile, input);
    const descriptors = [openSync(inFile, 'r'), openSync(outFile, 'w'), openSync(errFile, 'w')];
    const [command = '', ...args] = this.entering(words);
    const child = spawn(command, args, { stdio: descriptors, env: { ...this.environment, ...env }, timeout: 60_000 * patience, killSignal: 'SIGKILL' });
    for (const descriptor of descriptors) closeSync(descriptor);
    return new Promise((done) => {
      child.once('exit', (code, signal) => { done({ code, signal, stdout: readFileSync(outFile, 'utf8'), stderr: readFileSync(errFile, 'utf8') }); });
    });
  }

  /** The command that runs `words` in the machine. */
  entering(words: readonly string[]): string[] {
    const script = 'echo $$ > "$0"; exec nsenter --target "$1" --mount --pid --ipc --uts --net --cgroup -- sh -c \'cd /; shift; exec "$@"\' sh "$@"';
    return ['sh', '-c', script, `${this.#cgroup}/host/cgroup.procs`, String(this.#pid), ...words];
  }

  /** Where a file of the machine is to be found from here. */
  path(inner: string): string {
    return `/proc/${this.#pid}/root${inner}`;
  }

  pty(words: readonly string[], options: PtyOptions = {}): Pty {
    return new Pty(this.entering(words), { ...options, env: this.environment });
  }

  /** A service of the machine, once `isReady` says so. */
  async serve(name: string, words: readonly string[], isReady: () => Promise<boolean>): Promise<void> {
    const log = openSync(this.log(name), 'w');
    const [command = '', ...args] = this.entering(words);
    const child = spawn(command, args, { stdio: ['ignore', log, log], env: this.environment });
    closeSync(log);
    const isServing = async () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}`);
      return isReady();
    };
    await until(isServing, 'an answer').catch((cause: unknown) => {
      throw new Error(`${name} does not serve: ${String(cause)}: ${readFileSync(this.log(name), 'utf8').slice(-500)}`, { cause });
    });
  }

  get environment(): Readonly<Record<string, string>> {
    const daemons = join(daemonFolder(), 'usr');
    // A `runc` on the path is tsrun-oci too: containerd forgets which runtime it was told to use when it is told more.
    return { PATH: `/run/bin:${daemons}/bin:${daemons}/sbin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: '/run/home', TMPDIR: '/run/tmp', TERM: 'xterm' };
  }

  /** What containers left in the machine: folders of tsrun-oci's, and cgroups. */
  async traces(): Promise<string[]> {
    const script = 'find /run/tsrun-oci /run/containerd/runc /run/docker/runtime-runc -name state.json 2>/dev/null; find /sys/fs/cgroup -mindepth 2 -type d ! -path "/sys/fs/cgroup/host/*" ! -name conmon ! -path "*/conmon/*"; true';
    return (await this.call(['sh', '-c', script])).stdout.split('\n').filter((line) => line !== '');
  }

  async close(): Promise<void> {
    const machine = this.#machine;
    if (machine?.exitCode === null) {
      const ended = new Promise((done) => machine.once('exit', done));
      machine.kill('SIGKILL');
      await ended;
    }
    if (existsSync(this.#cgroup)) await endCgroup(this.#cgroup);
    if (this.#folder !== undefined) rmSync(this.#folder, { recursive: true });
  }
}

/** What it has, it may hand down; what a host keeps for itself, it does not get. */
function handDown(cgroup: string): void {
  for (const controller of readFileSync(`${cgroup}/cgroup.controllers`, 'utf8').trim().split(' ')) {
    try {
      writeFileSync(`${cgroup}/cgroup.subtree_control`, `+${controller}`);
    } catch {
      // Then the tests that need it are skipped.
    }
  }
}

let daemons: string | undefined;

/** containerd's and Docker's programs, which are not installed. */
export function daemonFolder(): string {
  if (daemons !== undefined) return daemons;
  const built = spawnSync(process.execPath, [join(checkout, 'rootfs-fixtures/engines.mjs')], { encoding: 'utf8', cwd: checkout });
  if (built.status !== 0) throw new Error(`the engines could not be unpacked: ${built.stderr}`);
  daemons = built.stdout.trim();
  return daemons;
}

/** One for a file of tests; it is there when the first of them begins, and gone after the last. */
export function engineLab(prepare: (lab: EngineLab) => Promise<void>): EngineLab {
  const lab = new EngineLab();
  test.before(async () => {
    await lab.start();
    await prepare(lab);
  });
  test.after.always(async () => lab.close());
  return lab;
}

/** Only holds the namespaces of a pod. */
export const pauseImage = 'localhost/pause:1';

/** The busybox fixture as an archive that every engine loads. */
export function savedImage(lab: EngineLab, name: string): string {
  const path = join(lab.folder, 'image.tar');
  if (existsSync(path)) return path;
  const common = { layers: [fixture('busybox')], history: [{ created_by: 'busybox' }] };
  const config = { Env: ['PATH=/bin:/sbin'] };
  return saveImages(path, { ...common, names: [name], config: { ...config, Cmd: ['sh'] } }, { ...common, names: [pauseImage], config: { ...config, Cmd: ['sleep', '100000'] } });
}

/**
 * A shell there learns of a new size. Who calls an engine may not listen yet when the first one comes, and is told of a change only.
 * The signal that tells of it may interrupt busybox's stty, which then says so instead of a size.
 */
export async function followsSize(pty: Pty): Promise<void> {
  let columns = 100;
  await until(async () => {
    pty.resize(40, ++columns);
    pty.type('stty size\r');
    return (await pty.see(/\n(?:\d+ \d+|stty: [^\r]*: Interrupted system call)\r/)).includes(`40 ${columns}`);
  }, 'the new size');
}

export interface EngineWords {
  /** What the engine prints to a command; one that fails throws. */
  readonly said: (...words: readonly string[]) => Promise<string>;
  /** Of a container: its status, and what its program exited with. */
  readonly statusOf: (name: string) => Promise<string>;
}

/** A container whose program ends with 3 at SIGTERM is paused, ended in every way, and removed. */
export async function stopsAndGoesOn(t: ExecutionContext, name: string, { said, statusOf }: EngineWords): Promise<void> {
  await said('pause', name);
  t.is(await statusOf(name), 'paused 0');
  await said('unpause', name);
  const seconds = String(10 * patience);
  await said('stop', '--time', seconds, name);
  t.is(await statusOf(name), 'exited 3');
  await said('start', name);
  await said('restart', '--time', seconds, name);
  await said('kill', name);
  t.is(await said('wait', name), '137');
  await said('rm', name);
}
