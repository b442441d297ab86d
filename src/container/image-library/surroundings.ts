/** What the library of images is given by the runtime. */
import { rm } from '../../host/files.js';
import type { NativeFiles } from '../../engine/addon.js';
import type { HostFacts } from '../../host/facts.js';
import type { IsOpaque } from '../../image/layered-files.js';
import type { Expand } from '../../image/sources/source-options.js';
import type { LockCalls } from '../../image/store/locks.js';
import type { Unpack, UnpackLimits } from '../../image/unpack.js';
import { errnoName } from '../../spec/errno.js';
import { opaqueFolders } from '../image-files.js';
import type { StateRoot } from '../state/state-root.js';

export interface LibrarySurroundings {
  /** Where images lie. */
  readonly root: string;
  /** Whose containers may use layers. */
  readonly stateRoot: string;
  readonly addon: LockCalls;
  readonly isOpaque: IsOpaque;
  readonly unpack: Unpack;
  readonly expand: Expand;
  /** A folder with all that is in it, also what belongs to subordinate ids. */
  readonly removeTree?: ((path: string) => Promise<void>) | undefined;
}

/** As much of the archiver as is needed here: it knows of starts, and these know of the library. */
interface Archiver {
  readonly unpack: Unpack;
  expand(request: {
    readonly source: number;
    readonly stdout: number;
    readonly limits: Pick<UnpackLimits, 'bytes' | 'ratio'>;
    readonly signal?: AbortSignal | undefined;
  }): Promise<{ readonly done: Promise<void> }>;
  empty(folder: string): Promise<void>;
}

export interface SurroundingsInput {
  readonly imageRoot: string;
  readonly root: StateRoot;
  readonly native: NativeFiles;
  readonly host: HostFacts;
  readonly archiver: () => Promise<Archiver>;
}

export function librarySurroundings({ imageRoot, root, native: { addon }, host, archiver }: SurroundingsInput): LibrarySurroundings {
  return {
    root: imageRoot,
    stateRoot: root.path,
    addon,
    isOpaque: opaqueFolders(addon, host),
    unpack: async (request) => (await archiver()).unpack(request),
    ...(host.uid !== 0 && { removeTree: async (path: string) => removeOfSubordinates(path, archiver) }),
    expand: async (source, stdout, limits, signal) => {
      const { done } = await (await archiver()).expand({ source, stdout, signal, limits });
      await done;
    },
  };
}

/** What unpacked layers hold belongs to an ordinary user's subordinate ids, and so do folders in which the user may remove nothing. */
async function removeOfSubordinates(path: string, archiver: () => Promise<Archiver>): Promise<void> {
  try {
    await rm(path, { recursive: true, force: true });
  } catch (error) {
    if (!forbidden.has(errnoName(error) ?? '')) throw error;
    await (await archiver()).empty(path);
    await rm(path, { recursive: true, force: true });
  }
}

const forbidden: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'ENOTEMPTY']);
