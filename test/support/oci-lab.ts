/** Bundles, and `tsrun-oci` as engines call it: a process for each command, whose standard streams become the container's. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { fixture, patience } from './lab.js';
import { builtProgram } from './built-program.js';
import { needs } from './needs.js';

export const program = builtProgram('tsrun-oci');
export const ociTest = needs('root', 'cgroup2');
const cgroupRoots = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'];

export interface Answer {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What of config.json a test says. */
export interface Config {
  readonly args?: readonly string[];
  readonly process?: Readonly<Record<string, unknown>>;
  readonly linux?: Readonly<Record<string, unknown>>;
  readonly more?: Readonly<Record<string, unknown>>;
}

export class OciLab {
  readonly folder = mkdtempSync('/run/tsrun-test-');
  readonly root = join(this.folder, 'state');
  #count = 0;

  /** A name that no other container has. */
  newId(): string {
    return `oci${process.pid}-${this.#count++}`;
  }

  /** A bundle of the busybox fixture, by its folder. */
  bundle({ args = ['sleep', '1000'], process: ofProcess = {}, linux = {}, more = {} }: Config = {}): string {
    const folder = join(this.folder, `bundle-${this.#count++}`);
    mkdirSync(folder);
    const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network', 'cgroup'].map((type) => ({ type }));
    const capabilities = ['CAP_KILL', 'CAP_AUDIT_WRITE'];
    const config = {
      ociVersion: '1.3.0',
      process: { user: { uid: 0, gid: 0 }, args, cwd: '/', env: ['PATH=/bin:/sbin'], noNewPrivileges: true, capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities }, ...ofProcess },
      root: { path: fixture('busybox'), readonly: true },
      mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }, { destination: '/dev', type: 'tmpfs', source: 'tmpfs' }],
      linux: { namespaces, ...linux },
      ...more,
    };
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
    return folder;
  }

  /** A root of the test's own, which it may write to. */
  ownRoot(): string {
    const root = join(this.folder, `root-${this.#count++}`);
    execFileSync('cp', ['-a', fixture('busybox'), root]);
    return root;
  }

  /** A root whose files belong to the ids from 100000 on, as engines prepare one for a user namespace. */
  shiftedRoot(): string {
    const root = this.ownRoot();
    execFileSync('sh', ['-c', `chown -hR 100000:100000 ${root} && chmod 755 ${this.folder}`]);
    return root;
  }

  /** A command to its end. Its streams are files: a container that lives on would keep a pipe open. */
  call(...words: readonly string[]): Answer {
    return this.callWith({}, ...words);
  }

  /** @param options.under a program that runs it, with its words */
  callWith({ cwd, extra = [], under = [] }: { readonly cwd?: string; readonly extra?: readonly number[]; readonly under?: readonly string[] }, ...words: readonly string[]): Answer {
    const [out, err] = ['out', 'err'].map((name) => join(this.folder, `${name}-${this.#count++}`));
    if (out === undefined || err === undefined) throw new Error('no files');
    const descriptors = [openSync('/dev/null', 'r'), openSync(out, 'w'), openSync(err, 'w')];
    const [first = program, ...rest] = [...under, program, '--root', this.root, ...words];
    const { status, signal } = spawnSync(first, rest, { stdio: [...descriptors, ...extra], cwd: cwd ?? '/', timeout: 30_000 * patience, killSignal: 'SIGKILL' });
    for (const descriptor of descriptors) closeSync(descriptor);
    return { code: status, signal, stdout: readFileSync(out, 'utf8'), stderr: readFileSync(err, 'utf8') };
  }

  /** A command with its program, for who starts it by himself. */
  commandLine(...words: readonly string[]): string[] {
    return [program, '--root', this.root, ...words];
  }

  /** Without waiting: its end. */
  async begin(...words: readonly string[]): Promise<Answer> {
    return this.beginUnder([], ...words);
  }

  /** @param under a program that runs it, with its words */
  async beginUnder(under: readonly string[], ...words: readonly string[]): Promise<Answer> {
    const [first = program, ...rest] = [...under, program, '--root', this.root, ...words];
    const err = join(this.folder, `err-${this.#count++}`);
    const descriptor = openSync(err, 'w');
    const child = spawn(first, rest, { stdio: ['ignore', 'ignore', descriptor], cwd: '/' });
    closeSync(descriptor);
    return new Promise((done) => {
      child.on('exit', (code, signal) => { done({ code, signal, stdout: '', stderr: readFileSync(err, 'utf8') }); });
    });
  }

  /** Kills the command after so many milliseconds; whether that was before its end. */
  async beginAndKill(afterMs: number, ...words: readonly string[]): Promise<boolean> {
    const child = spawn(program, ['--root', this.root, ...words], { stdio: 'ignore', cwd: '/' });
    const ended = new Promise<boolean>((done) => {
      child.on('exit', (_code, signal) => { done(signal === 'SIGKILL'); });
    });
    await new Promise((done) => setTimeout(done, afterMs));
    child.kill('SIGKILL');
    return ended;
  }

  /** A container that runs, by its id. */
  running(config: Config = {}): string {
    const id = this.newId();
    const created = this.call('create', '--bundle', this.bundle(config), id);
    if (created.code !== 0) throw new Error(created.stderr);
    const started = this.call('start', id);
    if (started.code !== 0) throw new Error(started.stderr);
    return id;
  }

  state(id: string): Readonly<Record<string, unknown>> {
    const answer = this.call('state', id);
    if (answer.code !== 0) throw new Error(answer.stderr);
    const value: unknown = JSON.parse(answer.stdout);
    if (typeof value !== 'object' || value === null) throw new Error(answer.stdout);
    return { ...value };
  }

  status(id: string): unknown {
    return this.state(id)['status'];
  }

  pidOf(id: string): number {
    return Number(this.state(id)['pid']);
  }

  /** What a script that is executed in a container says. */
  look(id: string, script: string): string {
    const { stdout, stderr } = this.call('exec', id, 'sh', '-c', script);
    return stdout + stderr;
  }

  /** By force, and nothing is left. */
  remove(t: ExecutionContext, id: string): void {
    t.is(this.call('delete', '--force', id).code, 0);
    t.deepEqual(this.traces(id), []);
  }

  /** How many processes of the host have a text among their arguments. */
  processesNamed(text: string): number {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && textOf(`/proc/${name}/cmdline`).includes(text)).length;
  }

  /** What the container of an id has on the host besides its processes. */
  traces(id: string): string[] {
    const cgroups = cgroupRoots.map((root) => `${root}/tsrun/${id}`).filter((path) => existsSync(path));
    const folders = existsSync(this.root) ? readdirSync(this.root).filter((name) => name.includes(id)) : [];
    return [...cgroups, ...folders, ...launchers()];
  }

  close(): void {
    for (const name of existsSync(this.root) ? readdirSync(this.root) : []) this.call('delete', '--force', name);
    rmSync(this.folder, { recursive: true });
  }
}

/** Launchers of commands that are gone. A created container's first process looks like one, but has a number in its own namespace too. */
function launchers(): string[] {
  const isLauncher = (pid: string) => textOf(`/proc/${pid}/cmdline`) === 'tsrun-launcher\0attached\0' && /^NSpid:\t\d+$/m.test(textOf(`/proc/${pid}/status`)) && !commandLives(pid);
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name)).filter(isLauncher).map((pid) => `launcher ${pid}`);
}

/** Somebody else may be testing. */
function commandLives(pid: string): boolean {
  const parent = /^PPid:\t(\d+)$/m.exec(textOf(`/proc/${pid}/status`))?.[1] ?? '';
  return /^(?:tsrun-oci|node)/.test(textOf(`/proc/${parent}/comm`));
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** One for a file of tests, removed after them. */
export function ociLab(): OciLab {
  const lab = new OciLab();
  test.after.always(() => { lab.close(); });
  return lab;
}
