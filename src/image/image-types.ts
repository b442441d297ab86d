/** What the public API says of images. */
import type { ImageConfig, Platform } from './documents.js';

/** An image in the store, as `images` lists it. */
export interface ImageSummary {
  /** Of the manifest: `sha256:…`. */
  readonly digest: string;
  /** Whole names: `docker.io/library/alpine:3.20`. Empty: nobody has named it, or the name went to another image. */
  readonly names: readonly string[];
  readonly platform: Platform;
  /** As the image says it, in RFC 3339; absent where it does not. */
  readonly created?: string;
  /** Of its layers as they lie unpacked, those shared with other images included. */
  readonly unpackedBytes: number;
  /** Of its blobs. */
  readonly blobBytes: number;
  readonly layers: number;
  /** Milliseconds since 1970. */
  readonly importedAtMs: number;
}

/** An image in the store, whole. */
export interface ImageDetails extends ImageSummary {
  readonly config: ImageConfig;
  readonly layerDetails: readonly ImageLayer[];
}

/** One layer, the lowest first. */
export interface ImageLayer {
  readonly diffId: string;
  readonly digest: string;
  readonly mediaType: string;
  readonly blobBytes: number;
  readonly unpackedBytes: number;
  readonly entries: number;
  /** Folder that holds it unpacked. */
  readonly path: string;
  /** The command that made it, as the image's history says. */
  readonly createdBy?: string;
}

/** How far a long piece of work is. */
export interface ImageProgress {
  readonly stage: 'resolving' | 'fetching' | 'unpacking' | 'writing';
  /** Digest of the layer or blob; absent for what concerns the whole image. */
  readonly digest?: string;
  readonly doneBytes: number;
  readonly totalBytes?: number;
  /** That layer or blob is finished, or was there already. */
  readonly finished?: boolean;
}

/** A long piece of work: iterate over it to see how far it is, await `done` for what comes of it. Both may be left alone. */
export interface ImageWork<Result> extends AsyncIterable<ImageProgress> {
  readonly done: Promise<Result>;
}
