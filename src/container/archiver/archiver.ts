/**
 * Unpacking, packing and listing trees by a small program that nobody needs to trust: it runs in a container of its own whose root
 * is the folder in question, or in a live container, and comes there as a descriptor.
 */
import type { Readable } from 'node:stream';
import type { NativeFiles } from '../../engine/addon.js';
import type { HostFacts } from '../../host/facts.js';
import type { UnpackLimits, UnpackReport, UnpackRequest } from '../../image/unpack.js';
import { TsrunError } from '../../spec/errors.js';
import type { NamedLauncher } from '../connection.js';
import { EntryReader, type ListedEntry } from './listed-entry.js';
import { run, start, type Place, type ProgramLauncher, type Running, type Surroundings } from './run.js';
import { seenIn, type Seen } from './seen.js';
import { Turns } from './turns.js';
import { countIn, unpackReport } from './unpack-report.js';

export interface ArchiverInput {
  readonly launching: ProgramLauncher;
  readonly native: NativeFiles;
  readonly host: HostFacts;
  readonly named: NamedLauncher;
}

/** Where something lies. */
export interface TreeRequest {
  readonly place: Place;
  /** From the root of the place on; links lead no further than that. */
  readonly path: string;
  /** See `Work`. */
  readonly isCopy?: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface PackRequest extends TreeRequest {
  /** What it is called in the archive, with what is in it below. Default: a folder's contents are, and it itself is not. */
  readonly name?: string;
  /** Where the path itself is a link, what it leads to. Default false. */
  readonly follow?: boolean;
  /** Also what is mounted in it, but for what the kernel shows of itself. Default false. */
  readonly mounts?: boolean;
  /** A descriptor that the archive is written to; else it is had as a stream. */
  readonly stdout?: number;
}

export interface LookRequest extends TreeRequest {
  /** Where the path itself is a link, what it leads to. Default false. */
  readonly follow?: boolean;
}

export interface ListRequest extends TreeRequest {
  /** With digests of the contents of files. Default false. */
  readonly content?: boolean;
}

export interface UnpackFilesRequest extends TreeRequest {
  /** A tar archive, compressed or not. */
  readonly source: number | Readable;
  /** Whose everything becomes; else as the archive says. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  /** Without set-id bits and capabilities. Default false. */
  readonly dropPrivileges?: boolean;
  readonly limits: UnpackLimits;
  readonly onProgress?: ((readBytes: number) => void) | undefined;
}

export interface ExpandRequest {
  readonly source: number | Readable;
  readonly limits: Pick<UnpackLimits, 'bytes' | 'ratio'>;
  /** A descriptor to write to; else it is had as a stream. */
  readonly stdout?: number;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((readBytes: number) => void) | undefined;
}

/** An archive that is being written. `done` rejects if it is not whole; it is to be awaited before what was read is used. */
export interface Output {
  /** Null where it goes to a descriptor. */
  readonly stream: Readable | null;
  readonly done: Promise<void>;
}

export interface Packed extends Output {
  /** How many there are in it; settles with `done`. */
  readonly entries: Promise<number>;
}

export class Archiver {
  readonly #native: NativeFiles;
  readonly #surroundings: Omit<Surroundings, 'programFd'>;
  /** A sealed copy of the program; undefined before it is needed, and once all is closed. */
  #program: number | undefined;
  readonly #turns = new Turns();
  #closed = false;

  constructor({ launching, native, host, named }: ArchiverInput) {
    this.#native = native;
    this.#surroundings = { launching, named, host };
  }

  /** See `Unpack`. */
  readonly unpack = async (request: UnpackRequest): Promise<UnpackReport> => {
    const { source, destination, lower, limits, signal, onProgress } = request;
    const knownLower = lower === undefined ? [] : [`lower=${lower.length}`];
    const attributes = this.#surroundings.host.uid === 0 ? [] : ['user-attributes=1'];
    const report = await run(this.#turn, {
      subject: 'the layer',
      place: { folder: destination, layers: lower ?? [] },
      args: ['unpack', ...limitWords(limits), ...knownLower, ...attributes],
      stdin: source,
      signal,
      onProgress,
    });
    return unpackReport(report);
  };

  /**
   * Unpacks plain files: whiteouts mean nothing, no folder takes a file's place or the other way round, links are replaced and not
   * written through. Gives how many entries there were, and the bytes of files.
   *
   * @throws as `Unpack`
   */
  async unpackFiles({ place, path, source, owner, dropPrivileges = false, limits, isCopy, signal, onProgress }: UnpackFilesRequest): Promise<Pick<UnpackReport, 'entries' | 'unpackedBytes'>> {
    const whose = owner === undefined ? [] : [`uid=${owner.uid}`, `gid=${owner.gid}`];
    const args = ['unpack-files', `path=${path}`, ...limitWords(limits), ...whose, ...(dropPrivileges ? ['drop-privileges=1'] : [])];
    const report = await run(this.#turn, { subject: isCopy === true ? 'the copy' : 'the archive', isCopy, place, args, stdin: source, signal, onProgress });
    return { entries: countIn(report, 'entries'), unpackedBytes: countIn(report, 'unpackedBytes') };
  }

  /** A tree, or a file, as a tar archive (pax). @throws ERR_TSRUN_IMAGE where there is nothing; ERR_TSRUN_ABORTED */
  async pack({ place, path, name = '', follow = false, mounts = false, stdout = -1, isCopy, signal }: PackRequest): Promise<Packed> {
    const args = ['pack', `path=${path}`, `name=${name}`, ...(follow ? ['follow=1'] : []), ...(mounts ? ['mounts=1'] : [])];
    const running = await start(this.#turn, { subject: isCopy === true ? 'what is copied' : 'the tree', isCopy, place: unwritten(place), args, stdout: stdout < 0 ? 'pipe' : stdout, signal });
    const entries = running.done.then((report) => countIn(report, 'entries'));
    entries.catch(() => undefined);
    return { ...outputOf(running), entries };
  }

  /** What lies there, if anything does. @throws as `pack` */
  async look({ place, path, follow = false, isCopy, signal }: LookRequest): Promise<Seen> {
    const args = ['look', `path=${path}`, ...(follow ? ['follow=1'] : [])];
    return seenIn(await run(this.#turn, { subject: 'the tree', isCopy, place: unwritten(place), args, signal }));
  }

  /** What lies there, entry by entry. @throws as `pack` */
  async *list({ place, path, content = false, signal }: ListRequest): AsyncGenerator<ListedEntry> {
    const args = ['list', `path=${path}`, ...('upperOf' in place ? ['layer=1'] : []), ...(content ? ['content=1'] : [])];
    const running = await start(this.#turn, { subject: 'the tree', place: unwritten(place), args, stdout: 'pipe', signal });
    const reader = new EntryReader();
    let isWhole = false;
    try {
      for await (const chunk of running.stdout ?? []) if (Buffer.isBuffer(chunk)) yield* reader.take(chunk);
      isWhole = true;
    } finally {
      if (!isWhole) running.kill();
    }
    await running.done;
  }

  /** What is compressed (gzip, zstd, xz, bzip2) becomes plain; what is plain stays so. @throws as `Unpack` */
  async expand({ source, limits, stdout = -1, signal, onProgress }: ExpandRequest): Promise<Output> {
    const place = { folder: this.#surroundings.launching.emptyFolder(), readonly: true };
    const args = ['expand', ...limitWords({ ...limits, entries: 0 })];
    return outputOf(await start(this.#turn, { subject: 'the archive', place, args, stdin: source, stdout: stdout < 0 ? 'pipe' : stdout, signal, onProgress }));
  }

  /** Removes all that lies in a folder of the host, whichever of the launcher's ids it belongs to. @throws as `Unpack` */
  async empty(folder: string): Promise<void> {
    await run(this.#turn, { subject: 'the folder', place: { folder }, args: ['empty'] });
  }

  /** Lets go of the program. */
  close(): void {
    this.#closed = true;
    if (this.#program !== undefined) this.#native.addon.closeDescriptor(this.#program);
    this.#program = undefined;
  }

  /** Several begin at once, such as the layers of an image, and each start takes a good part of a millisecond. */
  readonly #turn = async (): Promise<Surroundings> => {
    await this.#turns.next();
    if (this.#closed) throw new TsrunError('ERR_TSRUN_STATE', 'the runtime is closed');
    this.#program ??= this.#native.addon.sealProgram(this.#native.archivePath);
    return { ...this.#surroundings, programFd: this.#program };
  };
}

function limitWords({ bytes, entries, ratio }: UnpackLimits): string[] {
  return [`bytes=${whole(bytes)}`, `entries=${whole(entries)}`, `ratio=${whole(ratio)}`];
}

/** Without an exponent, which the program does not read. */
function whole(limit: number): number {
  return Math.trunc(Math.min(limit, Number.MAX_SAFE_INTEGER));
}

/** A folder that is only looked at cannot be written to either. */
function unwritten(place: Place): Place {
  return 'container' in place || 'upperOf' in place ? place : { ...place, readonly: true };
}

function outputOf({ stdout, done }: Running): Output {
  const ended = done.then(() => undefined);
  ended.catch(() => undefined);
  return { stream: stdout, done: ended };
}
