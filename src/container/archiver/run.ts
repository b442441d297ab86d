/** One run of tsrun-archive: its container, its streams, its end. */
import { Readable } from 'node:stream';
import type { HostFacts } from '../../host/facts.js';
import { Namespaces } from '../../plan/namespaces.js';
import { TsrunError } from '../../spec/errors.js';
import type { JsonObject } from '../../spec/json.js';
import type { NamedLauncher } from '../connection.js';
import type { Process, Seccomp } from '../../spec/types.js';
import type { Container } from '../container.js';
import type { OwnProgram } from '../exec.js';
import type { ProgramRequest } from '../launch-request.js';
import { streamsOf, type Streams } from '../prepare.js';
import type { RunningProcess } from '../running-process.js';
import type { ExitStatus } from '../state/exit-status.js';
import { randomDigits } from '../state/random.js';
import type { ContainerRecord } from '../state/record.js';
import { upperOf } from '../state/uppers.js';
import { confinedProcess, confinedSpec, confinedSeccomp } from './confinement.js';
import { pumpInto } from './pump.js';
import { failureOf, readReport } from './report.js';

/** What of a running program matters here. */
export interface ProgramRun extends Pick<RunningProcess, 'stdin' | 'stdout' | 'stderr' | 'started' | 'killAll'> {
  readonly exited: Promise<Pick<ExitStatus, 'code' | 'signal'>>;
}

/** Who starts it: see `Launching`. */
export interface ProgramLauncher {
  launchProgram(request: ProgramRequest): ProgramRun;
  executeProgram(container: Container, program: Pick<OwnProgram, 'fd'>, process: Process, filter: Seccomp, streams: Streams): Promise<ProgramRun>;
  emptyFolder(): string;
}

/** What a start of the program is given when it is its turn. @throws ERR_TSRUN_STATE once all is closed */
export type Turn = () => Promise<Surroundings>;

export interface Surroundings {
  readonly launching: ProgramLauncher;
  readonly named: NamedLauncher;
  readonly host: HostFacts;
  readonly programFd: number;
}

/**
 * What the program sees, and nothing else: a folder of the host, what a live container sees, the root that one has left, or what a live one
 * has written to its upper layer in memory.
 */
export type Place = FolderPlace | { readonly container: Container } | LeftPlace | UpperPlace;

/** For `list` alone. */
export interface UpperPlace {
  /** Live, with a disposable root whose writes go to memory. */
  readonly upperOf: Container;
}

/** The root of a container that has ended: its layers with what it wrote, or its folder; without its mounts. See `container-tree.ts`. */
export interface LeftPlace {
  readonly left: ContainerRecord;
  readonly readonly?: boolean;
}

export interface FolderPlace {
  readonly folder: string;
  readonly readonly?: boolean;
  /** Folders of the host that it gets to read besides, as descriptors. */
  readonly layers?: readonly string[];
}

export interface Order {
  /** For errors: `the layer`. */
  readonly subject: string;
  /** See `Work`. */
  readonly isCopy?: boolean | undefined;
  readonly place: Place;
  readonly args: readonly string[];
  /** A descriptor goes to the program as it is; without one it reads the end of the file. */
  readonly stdin?: number | Readable | AsyncIterable<Buffer> | undefined;
  readonly stdout?: number | 'pipe' | 'ignore' | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((readBytes: number) => void) | undefined;
}

export interface Running {
  /** To be read to its end, or destroyed, where it was asked for. */
  readonly stdout: Readable | null;
  /** What it said of itself in the end. */
  readonly done: Promise<JsonObject>;
  kill(): void;
}

const pidsPointer = '/linux/resources/pids/limit';

/** @throws ERR_TSRUN_IMAGE, ERR_TSRUN_STORE, ERR_TSRUN_ABORTED, and what a launch may throw */
export async function run(turn: Turn, order: Order): Promise<JsonObject> {
  const running = await start(turn, order);
  return running.done;
}

/** @throws as `run`, before the program runs; what it would have read is given up then */
export async function start(turn: Turn, order: Order): Promise<Running> {
  try {
    return await begin(turn, order);
  } catch (error) {
    if (order.stdin instanceof Readable) order.stdin.destroy();
    throw error;
  }
}

async function begin(turn: Turn, order: Order): Promise<Running> {
  const { stdin, stdout = 'ignore', signal } = order;
  // It may fail before anybody reads it; that it has is seen then.
  if (stdin instanceof Readable) stdin.on('error', () => undefined);
  const surroundings = await turn();
  throwIfAborted(signal);
  const streams = streamsOf({ stdin: typeof stdin === 'number' ? stdin : stdin === undefined ? 'ignore' : 'pipe', stdout, stderr: 'pipe' }, false);
  const program = await launch(surroundings, order, streams);
  const kill = () => {
    program.killAll().catch(() => undefined);
  };
  signal?.addEventListener('abort', kill, { once: true });
  if (signal?.aborted === true) kill();
  const forget = () => signal?.removeEventListener('abort', kill);
  try {
    await program.started;
  } catch (error) {
    forget();
    throwIfAborted(signal);
    throw error;
  }
  const done = accompany(program, order, kill).finally(forget);
  // Who reads what it writes hears of its end later, or never.
  done.catch(() => undefined);
  return { stdout: program.stdout, done, kill };
}

async function launch({ launching, named, host, programFd }: Surroundings, { place, args }: Order, streams: Streams): Promise<ProgramRun> {
  const words = ['tsrun-archive', ...args];
  if ('container' in place) return launching.executeProgram(place.container, { fd: programFd }, confinedProcess(words, 'container'), confinedSeccomp(host.arch), streams);
  const { spec, extensions, program } = rootRequest(place, words, { launching, host });
  return launching.launchProgram({
    id: `archive.${randomDigits(12)}`,
    spec,
    extensions: { ...extensions, defaultedLimits: [pidsPointer] },
    program: { fd: programFd, ...program },
    streams,
    // The launcher that holds the container holds its upper layer.
    named: 'upperOf' in place ? { launcher: place.upperOf.launcher, name: place.upperOf.record.launcher } : named,
    onEnd: () => undefined,
  });
}

type RootRequest = Pick<ProgramRequest, 'spec' | 'extensions'> & { readonly program: Omit<OwnProgram, 'fd'> };

function rootRequest(place: Exclude<Place, { readonly container: Container }>, words: readonly string[], { launching, host }: Pick<Surroundings, 'launching' | 'host'>): RootRequest {
  if ('left' in place) return leftRoot(place, words, host);
  if ('folder' in place) return folderRoot(place, words, host);
  const { spec, extensions } = folderRoot({ folder: launching.emptyFolder(), readonly: true }, words, host);
  return { spec, extensions, program: { layers: [], upperOf: place.upperOf.id } };
}

function folderRoot({ folder, readonly = false, layers = [] }: FolderPlace, words: readonly string[], { arch }: HostFacts): RootRequest {
  return { spec: confinedSpec({ path: folder, readonly }, words, arch), extensions: { root: { kind: 'writable' } }, program: { layers } };
}

/** Its layers are id-mapped again as they were, and what it wrote lies there with the ids that it had on the host. */
function leftRoot({ left: { rootPath, spec: { linux = {} }, extensions: { root = { kind: 'writable' }, lowerLayers = [] }, extensions }, readonly = false }: LeftPlace, words: readonly string[], { arch }: HostFacts): RootRequest {
  const { uidMappings = [], gidMappings = [] } = linux;
  const maps = new Namespaces(linux, extensions.namespaceFds).isNew('user') ? { uidMappings, gidMappings } : undefined;
  return {
    spec: confinedSpec({ path: rootPath, readonly }, words, arch, { where: 'container', maps }),
    // Without its upper on disk, which would go with this record.
    extensions: { root: root.kind === 'disposable' ? { kind: 'disposable', sizeBytes: 0 } : root, ...(lowerLayers.length > 0 && { lowerLayers }) },
    program: { layers: [], upper: upperOf(extensions)?.folder },
  };
}

/** From the start to the end, with what goes in and what it says. */
async function accompany(program: ProgramRun, order: Order, kill: () => void): Promise<JsonObject> {
  const pumped = pumpInto(program.stdin, order.stdin, kill);
  // It is waited for below, and may fail before that.
  pumped?.catch(() => undefined);
  const said = program.stderr === null ? undefined : await readReport(program.stderr, order.onProgress ?? (() => undefined));
  const status = await program.exited;
  await pumped;
  throwIfAborted(order.signal);
  if (status.code === 0 && said !== undefined) return said;
  throw failureOf(said, status.signal, { subject: order.subject, folder: 'folder' in order.place ? order.place.folder : undefined, isCopy: order.isCopy });
}

function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted !== true) return;
  throw new TsrunError('ERR_TSRUN_ABORTED', 'the work on the archive was aborted', { cause: signal.reason });
}
