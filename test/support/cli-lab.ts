/** The command as it is installed, on a state root of its own: what a person types, and everything that comes of it. */
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Runtime, type ContainerSummary } from '../../src/index.js';
import { fixture, patience, scratchParent } from './lab.js';
import { leftovers, removeEmptyBases, takeTraces } from './leaks.js';
import { needs } from './needs.js';
import { Pty, type PtyOptions } from './pty.js';

export interface Said {
  readonly code: number | null;
  /** When it was ended by one. */
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** Without warnings about limits, which are the host's. */
  readonly stderr: string;
}

export interface StartOptions {
  readonly input?: string;
  readonly stdio?: StdioOptions;
}

const main = join(resolve(import.meta.dirname, '../../..'), 'dist/bundle/cli/main.cjs');
const limitMs = 60_000 * patience;

let labs = 0;

export class CliLab {
  /** Every name of a container of this lab starts with it. */
  readonly prefix = `c${process.pid}-${labs++}`;
  #ids = 0;
  #image: string | undefined;
  #stateRoot: string | undefined;
  #imageRoot: string | undefined;
  #scratch: string | undefined;
  readonly #ptys: Pty[] = [];

  get image(): string {
    this.#image ??= fixture('busybox');
    return this.#image;
  }

  get stateRoot(): string {
    this.#stateRoot ??= mkdtempSync('/run/tsrun-test-');
    return this.#stateRoot;
  }

  /** Not beside the state: a tmpfs can be id-mapped from Linux 6.3 on. */
  get imageRoot(): string {
    this.#imageRoot ??= mkdtempSync(join(scratchParent, 'tsrun-test-images-'));
    return this.#imageRoot;
  }

  /** For images that a test makes. */
  get scratch(): string {
    this.#scratch ??= mkdtempSync(join(scratchParent, 'tsrun-test-scratch-'));
    return this.#scratch;
  }

  newId(): string {
    return `${this.prefix}-${this.#ids++}`;
  }

  /** What starts the command, for a shell or a terminal. */
  get command(): string[] {
    return [process.execPath, '--', main];
  }

  /** The installed file, which the shell starts by its first line. */
  get file(): string {
    return main;
  }

  get env(): Readonly<Record<string, string>> {
    return { TSRUN_ROOT: this.stateRoot, TSRUN_IMAGES: this.imageRoot, NO_COLOR: '1' };
  }

  spawn(words: readonly string[], stdio: StdioOptions = 'pipe'): ChildProcess {
    const child = spawn(process.execPath, ['--', main, ...words], { stdio, env: { ...process.env, ...this.env } });
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
    }, limitMs);
    child.once('exit', () => {
      clearTimeout(timer);
    });
    return child;
  }

  async tsrun(words: readonly string[], { input = '', stdio = 'pipe' }: StartOptions = {}): Promise<Said> {
    const child = this.spawn(words, stdio);
    // A program need not read what there is.
    child.stdin?.on('error', () => undefined).end(input);
    return said(child);
  }

  /** `run` of a shell script, under a name of this lab unless one is given. */
  async run(flags: readonly string[], script: string, options: StartOptions = {}): Promise<Said> {
    return this.tsrun(['run', ...this.#named(flags), this.image, 'sh', '-c', script], options);
  }

  /** A line of the host's shell, in which `$tsrun` and `$image` are what they are called. */
  async shell(line: string): Promise<Said> {
    const env = { ...process.env, ...this.env, tsrun: this.command.join(' '), image: this.image, id: this.newId() };
    const child = spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'pipe'], env, timeout: limitMs, killSignal: 'SIGKILL' });
    return said(child);
  }

  pty(words: readonly string[], options: PtyOptions = {}): Pty {
    const pty = new Pty([...this.command, ...words], { ...options, env: { ...options.env, ...this.env } });
    this.#ptys.push(pty);
    return pty;
  }

  /** The container as another process sees it; undefined when there is no such. */
  async find(id: string): Promise<ContainerSummary | undefined> {
    const runtime = await Runtime.open({ root: this.stateRoot });
    try {
      return runtime.list().find((each) => each.id === id);
    } finally {
      await runtime.close();
    }
  }

  /** Waits until something is as it should be. */
  async until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
    const end = Date.now() + limitMs;
    while (Date.now() < end) {
      if (await isSo()) return;
      await delay(50);
    }
    throw new Error(`never came: ${what}`);
  }

  async kill(id: string): Promise<void> {
    const runtime = await Runtime.open({ root: this.stateRoot });
    try {
      await (await runtime.find(id)).killAll();
    } finally {
      await runtime.close();
    }
  }

  /** Declares the first and the last test of a file: the last finds whatever is left of containers that were started with --rm. */
  declareLeakTest(): void {
    const traces = process.geteuid?.() === 0 ? takeTraces(this.prefix, this.stateRoot) : undefined;
    needs('root')('nothing of this file is left: no process, cgroup, mount, record, range or socket', async (t) => {
      for (const pty of this.#ptys) pty.end();
      if (traces !== undefined) {
        await this.until('an empty state root', async () => {
          // What a launcher holds that is just dying goes with the next command but one.
          await (await Runtime.open({ root: this.stateRoot })).close();
          return (await leftovers(traces, 1000)).length === 0;
        }).catch(() => undefined);
        t.deepEqual(await leftovers(traces, 0), []);
        rmSync(this.stateRoot, { recursive: true, force: true });
        for (const folder of [this.imageRoot, this.scratch]) rmSync(folder, { recursive: true, force: true });
        removeEmptyBases();
      }
      t.pass();
    });
  }

  #named(flags: readonly string[]): string[] {
    return flags.includes('--name') ? [...flags] : ['--rm', '--name', this.newId(), ...flags];
  }
}

export async function said(child: ChildProcess): Promise<Said> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (...end) => {
      resolve(end);
    });
  });
  return { code, signal, stdout, stderr: stderr.replace(/^tsrun: warning: .*\n/gm, '') };
}
