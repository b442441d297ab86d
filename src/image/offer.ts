/**
 * What a source (layout, archive, slug, registry) offers to the store: one image's documents, and its layers on demand. Sources read
 * and check documents; they neither unpack nor write to the store.
 */
import type { Readable } from 'node:stream';
import type { Descriptor, ImageConfig } from './documents.js';

export interface OfferedImage {
  /** Names that the source knows it by, whole: `docker.io/library/alpine:3.20`. */
  readonly names: readonly string[];
  /** The manifest, byte by byte as its digest has it. Sources that have none (docker-archive, slug) make one (`documents.ts`). */
  readonly manifest: { readonly bytes: Buffer; readonly descriptor: Descriptor };
  readonly config: { readonly bytes: Buffer; readonly descriptor: Descriptor; readonly value: ImageConfig };
  /** The lowest first, as many as `config.value.rootfs.diff_ids`. */
  readonly layers: readonly OfferedLayer[];
  /** Lets go of what the source holds open. */
  close(): Promise<void>;
}

export interface OfferedBlob {
  /** As it is offered, compressed or not. Its digest is what the manifest says. */
  readonly descriptor: Descriptor;
  /** The blob's bytes from `offset` on; a source that cannot skip starts anew and throws the first ones away. */
  open(options: { readonly offset: number; readonly signal?: AbortSignal | undefined }): Promise<Readable>;
  /**
   * The same for who looks at one piece after the other: each is valid until the next is asked for, since its memory is used again. To
   * allocate it anew makes V8 collect its whole heap every few dozen megabytes, and the event loop waits for that.
   */
  lend?(options: { readonly offset: number }): AsyncIterable<Buffer>;
  /** What came has another digest: who gave it is not asked for this again. */
  reject?(): RejectedGiver;
}

export interface RejectedGiver {
  /** Quoted, for people. */
  readonly giver: string;
  /** There is somebody else to ask. */
  readonly isOtherLeft: boolean;
}

export interface OfferedLayer extends OfferedBlob {
  /** Digest of the uncompressed tar, as the config says. */
  readonly diffId: string;
}
