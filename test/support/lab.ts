/**
 * A runtime of its own for one file of tests: its own state root, ids that tell whose a container is, and a last test
 * that finds what was left behind. Nothing of it is looked up through the code under test where /proc can say it.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { Runtime, type Container, type ExecOptions, type ExecProcess, type ExitStatus, type RunOptions } from '../../src/index.js';
import { leftovers, removeEmptyBases, takeTraces, type Traces } from './leaks.js';
import { needs } from './needs.js';

/** How a program ended, and everything that it said. */
export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: ExitStatus;
}

/** An emulated processor is some twenty times slower, a program with sanitizers (scripts/sanitizers.mjs) a few times. */
export const patience = process.env['TSRUN_LANE'] === undefined && process.env['TSRUN_TEST_SANITIZED'] === undefined ? 1 : 10;

const checkout = resolve(import.meta.dirname, '../../..');
/** A folder on a file system that every tested kernel can id-map and that takes whiteouts; a guest has a tmpfs and an overlay else. */
export const scratchParent = process.env['TSRUN_FIXTURES'] === undefined ? '/var/tmp' : join(process.env['TSRUN_FIXTURES'], 'scratch');

let labs = 0;

export class Lab {
  /** Every id of a container of this lab starts with it. */
  readonly prefix = `t${process.pid}-${labs++}`;
  #ids = 0;
  #fixture: string | undefined;
  #stateRoot: string | undefined;
  #scratch: string | undefined;
  #traces: Traces | undefined;
  #runtime: Promise<Runtime> | undefined;

  /** The root file system of the busybox fixture; shared, never to be written to. */
  get image(): string {
    this.#fixture ??= fixture('busybox');
    return this.#fixture;
  }

  get stateRoot(): string {
    this.#stateRoot ??= mkdtempSync('/run/tsrun-test-');
    return this.#stateRoot;
  }

  /** A folder for this file's own images and volumes; removed at the end. */
  get scratch(): string {
    this.#scratch ??= mkdtempSync(join(scratchParent, 'tsrun-test-'));
    return this.#scratch;
  }

  /** Where its images lie; made by the first that asks for one. */
  get imageRoot(): string {
    return join(this.scratch, 'images');
  }

  async runtime(): Promise<Runtime> {
    this.#runtime ??= this.#open();
    return this.#runtime;
  }

  newId(): string {
    return `${this.prefix}-${this.#ids++}`;
  }

  async start(options: RunOptions, image = this.image): Promise<Container> {
    const runtime = await this.runtime();
    return runtime.run(image, { id: this.newId(), ...options });
  }

  /** Runs to the end. Hostile or not: after half a minute it is killed. */
  async run(options: RunOptions, image = this.image): Promise<Outcome> {
    return outcome(await this.start(options, image));
  }

  async sh(script: string, options: RunOptions = {}, image = this.image): Promise<Outcome> {
    return this.run({ command: ['sh', '-c', script], ...options }, image);
  }

  async exec(container: Container, options: ExecOptions): Promise<Outcome> {
    const runtime = await this.runtime();
    return outcome(await runtime.exec(container, options));
  }

  /** A container that waits until it is told to end, whatever happens. */
  async idle(options: RunOptions = {}, image = this.image): Promise<Container> {
    return this.start({ command: ['sleep', '1000'], stdout: 'ignore', stderr: 'ignore', ...options }, image);
  }

  /** Declares the last test of a file: closes the runtime, and looks for whatever it left. */
  declareLeakTest(): void {
    needs('root')('nothing of this file is left: no process, cgroup, mount, record, range or socket', async (t) => {
      const traces = this.#traces;
      if (this.#runtime !== undefined) await (await this.#runtime).close();
      if (traces !== undefined) t.deepEqual(await leftovers(traces), []);
      removeEmptyBases();
      this.removeFolders();
      t.pass();
    });
  }

  removeFolders(): void {
    for (const folder of [this.#stateRoot, this.#scratch]) if (folder !== undefined) rmSync(folder, { recursive: true, force: true });
  }

  async #open(): Promise<Runtime> {
    this.#traces = takeTraces(this.prefix, this.stateRoot);
    return Runtime.open({ root: this.stateRoot, imageRoot: this.imageRoot });
  }
}

export function fixture(name: string): string {
  const built = spawnSync(process.execPath, [join(checkout, 'rootfs-fixtures/build.mjs'), name], { encoding: 'utf8', cwd: checkout });
  if (built.status !== 0) throw new Error(`the fixture ${name} could not be built: ${built.stderr}`);
  return built.stdout.trim();
}

/** Reads everything that a process says, and waits for its end. */
export async function outcome(running: Container | ExecProcess, limitMs = 30_000 * patience): Promise<Outcome> {
  const timer = setTimeout(() => void running.killAll().catch(() => undefined), limitMs);
  try {
    const [stdout, stderr, status] = await Promise.all([read(running.stdout), read(running.stderr), running.exited]);
    return { stdout, stderr, status };
  } finally {
    clearTimeout(timer);
  }
}

async function read(stream: Container['stdout']): Promise<string> {
  return stream === null ? '' : text(stream);
}
