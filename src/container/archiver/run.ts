/** One run of tsrun-archive: its container, its streams, its end. */
import { finished } from 'node:stream/promises';
import { Readable, type Writable } from 'node:stream';
import { TsrunError } from '../../spec/errors.js';
import type { HostFacts } from '../../host/facts.js';
import type { JsonObject } from '../../spec/json.js';
import type { NamedLauncher } from '../connection.js';
import type { Launching } from '../launching.js';
import { streamsOf } from '../prepare.js';
import type { RunningProcess } from '../running-process.js';
import { randomDigits } from '../state/random.js';
import { confinedSpec } from './confinement.js';
import { failureOf, readReport } from './report.js';

export interface Surroundings {
  readonly launching: Launching;
  readonly named: NamedLauncher;
  readonly host: HostFacts;
  readonly programFd: number;
}

export interface Order {
  /** For errors: `the layer`. */
  readonly subject: string;
  /** Of the host: all that the program sees. */
  readonly folder: string;
  /** Folders of the host that it gets to read, as descriptors. */
  readonly layers: readonly string[];
  readonly args: readonly string[];
  /** A descriptor goes to the program as it is; without one it reads the end of the file. */
  readonly stdin?: number | Readable;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((readBytes: number) => void) | undefined;
}

export interface Outcome {
  readonly report: JsonObject;
}

const pidsPointer = '/linux/resources/pids/limit';

/** @throws ERR_TSRUN_IMAGE, ERR_TSRUN_STORE, ERR_TSRUN_ABORTED, and what a launch may throw */
export async function run(surroundings: Surroundings, order: Order): Promise<Outcome> {
  const { launching, named, host, programFd } = surroundings;
  const { stdin, signal } = order;
  throwIfAborted(signal);
  const streams = streamsOf({ stdin: typeof stdin === 'number' ? stdin : stdin === undefined ? 'ignore' : 'pipe', stdout: 'ignore', stderr: 'pipe' }, false);
  const container = launching.launchProgram({
    id: `archive.${randomDigits(12)}`,
    spec: confinedSpec(order.folder, ['tsrun-archive', ...order.args], host.arch),
    extensions: { root: { kind: 'writable' }, defaultedLimits: [pidsPointer] },
    program: { fd: programFd, layers: order.layers },
    streams,
    named,
    onEnd: () => undefined,
  });
  return accompany(container, order);
}

/** From the start to the end, with what goes in and what it says. */
async function accompany(program: RunningProcess, order: Order): Promise<Outcome> {
  const { signal } = order;
  const kill = () => {
    program.killAll().catch(() => undefined);
  };
  signal?.addEventListener('abort', kill, { once: true });
  try {
    await program.started;
    if (signal?.aborted === true) kill();
    const pumped = order.stdin instanceof Readable && program.stdin !== null ? pump(order.stdin, program.stdin, kill) : undefined;
    const said = program.stderr === null ? undefined : await readReport(program.stderr, order.onProgress ?? (() => undefined));
    const status = await program.exited;
    await pumped;
    throwIfAborted(signal);
    if (status.code === 0 && said !== undefined) return { report: said };
    throw failureOf(said, status.signal, { subject: order.subject, place: order.folder });
  } finally {
    signal?.removeEventListener('abort', kill);
  }
}

/** A source that fails has its error thrown; a program that reads no more has said why. */
async function pump(source: Readable, sink: Writable, kill: () => void): Promise<void> {
  let failure: { readonly error: unknown } | undefined;
  source.once('error', (error: unknown) => {
    failure = { error };
    kill();
  });
  source.pipe(sink);
  await finished(sink).catch(() => undefined);
  source.destroy();
  if (failure !== undefined) throw failure.error;
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new TsrunError('ERR_TSRUN_ABORTED', 'the work on the archive was aborted', { cause: signal.reason });
}
