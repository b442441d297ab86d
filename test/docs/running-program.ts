/** A program that was started as a process of its own, what it says, and what its containers leave. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { leftovers, takeTraces } from '../support/leaks.js';
import { until } from '../support/until.js';

export interface ProgramEnd {
  readonly code: number | null;
  readonly signal: string | null;
}

export class RunningProgram implements AsyncDisposable {
  readonly stateRoot = mkdtempSync('/run/tsrun-test-');
  readonly #child: ChildProcess;
  readonly #ids = new Set<string>();
  readonly #ended: Promise<ProgramEnd>;
  #output = '';

  constructor(program: string, args: readonly string[], { env = {}, cwd, interpreter = process.execPath }: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string; readonly interpreter?: string } = {}) {
    this.#child = spawn(interpreter, [program, ...args], { env: { ...process.env, TSRUN_ROOT: this.stateRoot, ...env }, cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#output += chunk.toString();
      });
    }
    this.#ended = once(this.#child, 'close').then(() => ({ code: this.#child.exitCode, signal: this.#child.signalCode }));
  }

  /** Both streams. */
  get output(): string {
    return this.#output;
  }

  async says(pattern: RegExp): Promise<void> {
    await until(() => {
      if (this.#child.exitCode !== null) throw new Error(`it has ended: ${this.#output}`);
      return pattern.test(this.#output);
    }, `${String(pattern)} in: ${this.#output}`);
  }

  /** Ids of its containers that live now. */
  containers(): string[] {
    const ids = readdirSync(join(this.stateRoot, 'containers')).filter((name) => !name.startsWith('.'));
    for (const id of ids) this.#ids.add(id);
    return ids;
  }

  /** A file of a container's cgroup. */
  cgroupFile(id: string, file: string): string {
    const record: unknown = JSON.parse(readFileSync(join(this.stateRoot, 'containers', id, 'state.json'), 'utf8'));
    if (typeof record !== 'object' || record === null || !('cgroup' in record)) throw new Error('the record names no cgroup');
    return readFileSync(join(String(record.cgroup), file), 'utf8').trim();
  }

  async end(signal: NodeJS.Signals): Promise<ProgramEnd> {
    this.#child.kill(signal);
    return this.#ended;
  }

  get ended(): Promise<ProgramEnd> {
    return this.#ended;
  }

  /** Of the containers that `containers` has seen, as sentences. */
  async leftovers(): Promise<string[]> {
    const found = await Promise.all([...this.#ids].map(async (id) => leftovers(takeTraces(id, this.stateRoot))));
    return found.flat();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.end('SIGKILL');
    await this.leftovers();
    rmSync(this.stateRoot, { recursive: true, force: true });
  }
}
