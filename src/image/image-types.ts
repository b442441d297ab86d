/** What the public API says of images. */
import type { ImageConfig, Platform } from './documents.js';

/** An image in the store, as `images` lists it. */
export interface ImageSummary {
  /** Of the manifest: `sha256:…`. */
  readonly digest: string;
  /** Whole names: `docker.io/library/alpine:3.20`. Empty: nobody has named it, or the name went to another image. */
  readonly names: readonly string[];
  /** What its programs run on. */
  readonly platform: Platform;
  /** As the image says it, in RFC 3339; absent where it does not. */
  readonly created?: string;
  /** Of its layers as they lie unpacked, those shared with other images included. */
  readonly unpackedBytes: number;
  /** Of its blobs. */
  readonly blobBytes: number;
  /** How many it has. */
  readonly layers: number;
  /** Milliseconds since 1970. */
  readonly importedAtMs: number;
}

/** One that was pulled or imported just now. */
export interface FetchedImage extends ImageSummary {
  /** Of its names those that it was given for this: its source's, or the one that was asked for. It may have had others before. */
  readonly givenNames: readonly string[];
}

/** An image of which the store has lost what it knew: it cannot be run until it is pulled or imported again. */
export interface DamagedImage {
  /** Of the manifest. */
  readonly digest: string;
  /** As in `ImageSummary`. */
  readonly names: readonly string[];
}

/** An image in the store, whole. */
export interface ImageDetails extends ImageSummary {
  /** As it is written there. */
  readonly config: ImageConfig;
  /** The lowest first. */
  readonly layerDetails: readonly ImageLayer[];
}

/** One layer, the lowest first. */
export interface ImageLayer {
  /** Digest of the uncompressed tar. */
  readonly diffId: string;
  /** Digest of the blob. */
  readonly digest: string;
  /** Of the blob, as the manifest says. */
  readonly mediaType: string;
  /** Of the blob. */
  readonly blobBytes: number;
  /** Of its files. */
  readonly unpackedBytes: number;
  /** How many the archive has. */
  readonly entries: number;
  /** Folder that holds it unpacked. */
  readonly path: string;
  /** The command that made it, as the image's history says. */
  readonly createdBy?: string;
}

/** How far a long piece of work is. */
export interface ImageProgress {
  /** `resolving`: asking what there is; `fetching`: also what comes by a stream, as a whole; `writing`: what is saved. */
  readonly stage: 'resolving' | 'fetching' | 'unpacking' | 'writing';
  /** Digest of the layer or blob; absent for what concerns the whole image. */
  readonly digest?: string;
  /** So far. */
  readonly doneBytes: number;
  /** Absent where nobody knows. */
  readonly totalBytes?: number;
  /** That layer or blob is finished, or was there already. */
  readonly finished?: boolean;
  /** With `finished`: it was there already, and nothing was done. */
  readonly wasThere?: boolean;
}

/**
 * A long piece of work: iterate over it to see how far it is, await `done` for what comes of it. What goes wrong is thrown by the loop
 * and by `done`; either may be left alone.
 */
export interface ImageWork<Result> extends AsyncIterable<ImageProgress> {
  /** Rejects with what went wrong. */
  readonly done: Promise<Result>;
}

/** What one layer may become, so that a megabyte does not fill a disk. */
export interface FetchLimits {
  /** Of all files together. Default 64 GiB. */
  readonly bytes?: number;
  /** Files, folders and whatever else. Default 4,000,000. */
  readonly entries?: number;
  /** Unpacked bytes for each byte of the blob, counted from 10 MB on. Default 400. */
  readonly ratio?: number;
}

/** How an image is fetched or imported. */
export interface FetchOptions {
  /** `linux/arm64`, `linux/arm64/v8`; `arm64` alone is Linux's. Default: this machine's. */
  readonly platform?: string;
  /** A name to give it; default: the one that the source knows it by. */
  readonly name?: string;
  /** Beyond them an image is refused with `ERR_TSRUN_IMAGE`. */
  readonly limits?: FetchLimits;
  /** Gives it up: `done` rejects with `ERR_TSRUN_ABORTED`. */
  readonly signal?: AbortSignal;
}

/** How an image is taken from a file or folder. */
export interface ImportOptions extends FetchOptions {
  /**
   * Of the file: `SHA256:` and 64 hexadecimal digits, as Heroku's platform API gives it of a slug. Nothing of a file with another one is
   * taken: `ERR_TSRUN_IMAGE`. Not for a folder.
   */
  readonly checksum?: string;
}

/** How an image is fetched from a registry. */
export interface PullOptions extends FetchOptions {
  /** `false`: plain HTTP, or a certificate that nobody vouches for, is allowed. Loopback may always speak HTTP. Default true. */
  readonly tlsVerify?: boolean;
  /** An `auth.json` as docker and podman write it. Default: `$REGISTRY_AUTH_FILE`, podman's, then docker's. */
  readonly authFile?: string;
}

/** How a reference becomes something to run. */
export interface ResolveOptions extends PullOptions {
  /** When a registry is asked for a name: `missing`, the default: where the store has none. For a name with a digest that is there, never. */
  readonly pull?: 'missing' | 'always' | 'never';
  /** Under a slug: the reference of an image, or a folder. */
  readonly stack?: string;
  /** As `ImportOptions.checksum`; not for what is under it. */
  readonly checksum?: string;
}

/** Which image a reference means, and how it is got where it is not there. */
export type ResolveImageOptions = Pick<ResolveOptions, 'pull' | 'platform' | 'checksum' | 'tlsVerify' | 'authFile' | 'limits' | 'signal'>;

/** What one layer does to those below it. */
export interface LayerChanges {
  /** Of its files, each counted once. */
  readonly bytes: number;
  /** Paths that were not there before. */
  readonly added: number;
  /** Paths that were there: another file, or a folder with another mode or owner. */
  readonly changed: number;
  /** Paths that are gone; a folder counts as one. */
  readonly removed: number;
  /** Of the files that are new. */
  readonly addedBytes: number;
  /** Of the files as they are now. */
  readonly changedBytes: number;
  /** Of files of lower layers. */
  readonly removedBytes: number;
  /** Of this layer's own files, which a later one overwrites or removes. */
  readonly wastedBytes: number;
  /** Each of them, a folder before what is in it. */
  readonly changes: readonly PathChange[];
}

/** What a layer does to one path. */
export interface PathChange {
  /** Absolute, in the image. */
  readonly path: string;
  /** What was done to it. */
  readonly kind: 'added' | 'changed' | 'removed';
  /** Of the file as it is now; of what is removed: all that is not seen any more. */
  readonly bytes: number;
  /** Of what was changed: the bytes before that are not seen any more. */
  readonly hiddenBytes?: number;
}

/** A path that several layers name. */
export interface WastedPath {
  /** Absolute, in the image. */
  readonly path: string;
  /** Of all its versions together. */
  readonly bytes: number;
  /** How many versions there are; a whiteout is one. */
  readonly times: number;
}

/** What the layers of an image do, one after the other, and what of it is wasted. */
export interface ImageChanges {
  /** The lowest first. */
  readonly layers: readonly LayerChanges[];
  /** Of all files of all layers. */
  readonly bytes: number;
  /** Of all paths in `wasted`: as dive counts it, the last version among them. */
  readonly wastedBytes: number;
  /** As dive reckons it, 0 to 1: of each path the smallest version, against all versions. */
  readonly efficiency: number;
  /** Wasted bytes against those of all layers but the lowest. */
  readonly userWastedRatio: number;
  /** The largest first. */
  readonly wasted: readonly WastedPath[];
}

/** What was taken away. */
export interface RemovedImages {
  /** Names that are gone. */
  readonly untagged: readonly string[];
  /** Digests of manifests that are gone. */
  readonly removed: readonly string[];
  /** Of blobs and layers. */
  readonly freedBytes: number;
}

/** What `ImageLibrary.inspect` and `changes` may be told. Unknown names are refused. */
export interface LookOptions {
  /**
   * Of a file or folder that holds images for several platforms, the one for this: `linux/arm64`. Default: for this machine's. An image of
   * the store is looked at whatever it is for; one that is not for a platform that is given is an error.
   */
  readonly platform?: string;
  /** Gives it up: `ERR_TSRUN_ABORTED`. */
  readonly signal?: AbortSignal;
}

/**
 * The images of a store, as `runtime.images` gives them. All of it fails with `ERR_TSRUN_INVALID_ARGUMENT` for arguments that mean nothing
 * and with `ERR_TSRUN_STORE` for a store that cannot be read or written, is damaged, or has no room; long work also with
 * `ERR_TSRUN_ABORTED`. What fails leaves the store as whole as it was.
 *
 * @example
 * import { Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * for (const { digest, names, unpackedBytes } of await runtime.images.list()) console.log(digest, names, unpackedBytes);
 */
export interface ImageLibrary {
  /** From a registry; fetches what is not there yet. @throws `ERR_TSRUN_REGISTRY`; `ERR_TSRUN_IMAGE` for an image that is damaged, hostile, or for another platform */
  pull(reference: string, options?: PullOptions): ImageWork<FetchedImage>;
  /**
   * From a file or folder: OCI layout, docker-archive, slug. All images that it holds for the platform, or the one that the reference
   * names (`oci:layout:name`). A stream is one of such a file; it is read to its end into the store's file system, where it leaves nothing.
   *
   * @throws `ERR_TSRUN_IMAGE` where there is none, or one that is damaged or hostile
   */
  import(source: string | NodeJS.ReadableStream, options?: ImportOptions): ImageWork<readonly FetchedImage[]>;
  /**
   * The image that a start with this reference would take: of the store, of a file, or a registry's. What is not there yet is fetched and
   * unpacked, as `pull` says, so that the start itself waits for nothing.
   *
   * @throws `ERR_TSRUN_IMAGE` where there is none, and for a folder, which is run as it lies there; `ERR_TSRUN_REGISTRY`
   */
  resolve(reference: string, options?: ResolveImageOptions): ImageWork<ImageSummary>;
  /** All of the store, the latest first. */
  list(): Promise<readonly ImageSummary[]>;
  /** Those that `list` leaves out since their records are damaged. Pulled or imported again they are whole, and nothing that is there is fetched twice. */
  damaged(): Promise<readonly DamagedImage[]>;
  /**
   * By name, by digest, by the first digits of one that no other has, or of a file or folder, which is taken into the store for it, without
   * a name, as for a start. A registry is not asked.
   *
   * @throws `ERR_TSRUN_IMAGE` where there is none
   */
  inspect(reference: string, options?: LookOptions): Promise<ImageDetails>;
  /** What each layer adds, changes and removes. Reads the names of all files. @throws as `inspect` */
  changes(reference: string, options?: LookOptions): Promise<ImageChanges>;
  /** Gives an image a name, which another may lose by that. @throws as `inspect` */
  tag(reference: string, name: string): Promise<void>;
  /**
   * Takes the name away, and with its last name the image; `force` takes all names of the image. What a container uses stays until
   * that is removed.
   *
   * @throws `ERR_TSRUN_IMAGE` where there is none, and for a digest of an image with several names; `ERR_TSRUN_STATE` for one without
   * a name that something uses, and where it cannot be told what containers use
   */
  remove(reference: string, options?: { readonly force?: boolean }): Promise<RemovedImages>;
  /** Takes away what no name and no container needs; `all`: what no container needs. @throws `ERR_TSRUN_STATE` as `remove` */
  prune(options?: { readonly all?: boolean }): Promise<RemovedImages>;
  /**
   * Writes images to a file or folder: `oci` (the default; a folder, or a tar where the path ends in .tar), `docker-archive`. A file is
   * replaced, a folder must be new or empty. A stream is given a tar, and stays open; what it has got when this fails is no whole one.
   *
   * @throws `ERR_TSRUN_IMAGE` where there is none; `ERR_TSRUN_HOST` where the destination cannot be written
   */
  save(references: readonly string[], destination: string | NodeJS.WritableStream, options?: { readonly format?: 'oci' | 'docker-archive'; readonly signal?: AbortSignal }): ImageWork<void>;
}
