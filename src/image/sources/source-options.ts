/** What every source is asked with. */
import type { Platform } from '../documents.js';

/** What something compressed may become: at most so many bytes, and so many for each of its own. */
export interface ExpandLimits {
  readonly bytes: number;
  readonly ratio: number;
}

/**
 * Expands gzip, zstd, xz or bzip2, told by the first bytes, from one descriptor's position to the other's; a confined program does it.
 *
 * @throws ERR_TSRUN_IMAGE for what is damaged or beyond the limits
 */
export type Expand = (source: number, destination: number, limits: ExpandLimits, signal?: AbortSignal) => Promise<void>;

export interface SourceOptions {
  /** Which of several images: a name in the source, in full or as docker completes it; `@1` counts from 0; `sha256:…` of its manifest. */
  readonly name?: string | undefined;
  /** `one`: it must be clear which is meant. `all`: every image that is for the platform. */
  readonly choose: 'one' | 'all';
  readonly platform: Platform;
  /** An archive that is compressed as a whole is expanded into a file of this folder; it has no name there. */
  readonly temporaryFolder: string;
  readonly expand: Expand;
  /** What a compressed archive may become. */
  readonly limits: ExpandLimits;
  /** Of the file: `SHA256:` and 64 hexadecimal digits. */
  readonly checksum?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What choosing among images needs. */
export type ChoiceOptions = Pick<SourceOptions, 'name' | 'choose' | 'platform'>;
