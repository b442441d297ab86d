/**
 * Unpacking, packing and listing trees by a small program that nobody needs to trust: it runs in a container of its own whose root
 * is the folder in question, or in a live container, and comes there as a descriptor.
 */
import type { NativeFiles } from '../../engine/addon.js';
import type { HostFacts } from '../../host/facts.js';
import type { UnpackReport, UnpackRequest } from '../../image/unpack.js';
import { TsrunError } from '../../spec/errors.js';
import type { NamedLauncher } from '../connection.js';
import type { Launching } from '../launching.js';
import { run, type Surroundings } from './run.js';
import { unpackReport } from './unpack-report.js';

export interface ArchiverInput {
  readonly launching: Launching;
  readonly native: NativeFiles;
  readonly host: HostFacts;
  readonly named: NamedLauncher;
}

export class Archiver {
  readonly #native: NativeFiles;
  readonly #surroundings: Omit<Surroundings, 'programFd'>;
  /** A sealed copy of the program; undefined before it is needed, and once all is closed. */
  #program: number | undefined;
  #closed = false;

  constructor({ launching, native, host, named }: ArchiverInput) {
    this.#native = native;
    this.#surroundings = { launching, named, host };
  }

  /** See `Unpack`. */
  readonly unpack = async (request: UnpackRequest): Promise<UnpackReport> => {
    const { source, destination, lower, limits, signal, onProgress } = request;
    const { report } = await run(this.#ready(), {
      subject: 'the layer',
      folder: destination,
      layers: lower ?? [],
      args: [
        'unpack',
        `bytes=${limits.bytes}`,
        `entries=${limits.entries}`,
        `ratio=${limits.ratio}`,
        ...(lower === undefined ? [] : [`lower=${lower.length}`]),
        ...(this.#surroundings.host.uid === 0 ? [] : ['user-attributes=1']),
      ],
      stdin: source,
      signal,
      onProgress,
    });
    return unpackReport(report);
  };

  /** Lets go of the program. */
  close(): void {
    this.#closed = true;
    if (this.#program !== undefined) this.#native.addon.closeDescriptor(this.#program);
    this.#program = undefined;
  }

  #ready(): Surroundings {
    if (this.#closed) throw new TsrunError('ERR_TSRUN_STATE', 'the runtime is closed');
    this.#program ??= this.#native.addon.sealProgram(this.#native.archivePath);
    return { ...this.#surroundings, programFd: this.#program };
  }
}

