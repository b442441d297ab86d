/** Layers: each unpacked once, under a lock, beside where it will lie, and renamed there when its digests were compared. */
import { chmod, mkdir, rename, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import type { ImageProgress } from '../image-types.js';
import type { OfferedBlob, OfferedLayer } from '../offer.js';
import type { Unpack, UnpackLimits, UnpackReport, UnpackRequest } from '../unpack.js';
import { Arrival } from './arrival.js';
import { lockOfBlob, type Blobs } from './blobs.js';
import { readIfWhole, syncFolder, writeUnseen } from './checked-files.js';
import { hexOf } from './digest.js';
import { loss, storeError } from './faults.js';
import type { StoreLayout } from './layout.js';
import type { Lock, Locks } from './locks.js';
import { layerShape, type LayerRecord } from './records.js';

export interface LayersInput {
  readonly layout: StoreLayout;
  readonly locks: Locks;
  readonly blobs: Blobs;
  readonly unpack: Unpack;
  /** A folder with everything in it, whoever owns that; without an error where it is not. */
  readonly removeTree: (path: string) => Promise<void>;
  /** A small file, whole or not at all. */
  readonly write: (path: string, value: object) => Promise<void>;
}

export interface BlobWork {
  readonly blob: OfferedBlob;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress: (progress: ImageProgress) => void;
}

export interface LayerWork extends Omit<BlobWork, 'blob'> {
  readonly layer: OfferedLayer;
  readonly limits: UnpackLimits;
}

export interface UnpackedLayer {
  readonly key: string;
  readonly record: LayerRecord;
}

export class Layers {
  readonly #input: LayersInput;

  constructor(input: LayersInput) {
    this.#input = input;
  }

  /** Undefined also for one that is not whole. */
  async find(key: string): Promise<LayerRecord | undefined> {
    const { layout } = this.#input;
    const record = await readIfWhole(layout.layerReport(key), layerShape);
    if (record === undefined) return undefined;
    const there = await stat(layout.diff(key)).catch(() => undefined);
    return there?.isDirectory() === true ? record : undefined;
  }

  /**
   * The layer under this key; made, with its blob, unless it is there. Without `lower` the answer may be one that depends on what lies
   * below: unless `isLowest`, that was not kept.
   *
   * @throws ERR_TSRUN_IMAGE, ERR_TSRUN_STORE, ERR_TSRUN_ABORTED, and what the source throws
   */
  async ensure(key: string, work: LayerWork, place: { readonly isLowest: boolean; readonly lower?: readonly string[] }): Promise<LayerRecord> {
    const record = await this.#aside(key, work.signal, async (temporary) => {
      const there = await this.find(key);
      if (there !== undefined) {
        // Another process was quicker, maybe with another blob.
        const { digest, size } = work.layer.descriptor;
        work.onProgress({ stage: 'unpacking', digest, doneBytes: size, totalBytes: size, finished: true, wasThere: true });
        return there;
      }
      const made = await this.#unpackInto(temporary, work, place.lower);
      if (place.lower !== undefined || place.isLowest || !made.dependsOnLower) await this.#publish(temporary, key, made);
      return made;
    });
    await this.ensureSame({ key, record }, work);
    return record;
  }

  /**
   * The blob of a layer that is unpacked already. One that was not compared with it yet is unpacked as well, and thrown away: it may hold
   * something else than the config says, and whoever saves the image would hand it on.
   *
   * @throws as `ensure`
   */
  async ensureSame({ key, record }: UnpackedLayer, work: LayerWork): Promise<void> {
    const { layer: { descriptor: { digest } }, signal } = work;
    const { blobDigests = [] } = record;
    if (blobDigests.includes(digest)) return this.ensureBlob({ ...work, blob: work.layer });
    await this.#aside(digest, signal, async (temporary) => this.#unpackInto(temporary, work, undefined));
    await this.#input.write(this.#input.layout.layerReport(key), { ...record, blobDigests: [...blobDigests, digest] });
  }

  /** The blob alone. @throws as `ensure` */
  async ensureBlob(work: BlobWork): Promise<void> {
    const { blobs, locks } = this.#input;
    const { descriptor } = work.blob;
    if (await blobs.has(descriptor)) return;
    const lock = await locks.exclusive(lockOfBlob(descriptor.digest), work.signal);
    try {
      if (!(await blobs.has(descriptor))) await this.#receive(work, undefined);
    } finally {
      await lock.release();
    }
  }

  /** By one process at a time; nothing of the folder is left, unless it was renamed. */
  async #aside<Result>(key: string, signal: AbortSignal | undefined, work: (temporary: string) => Promise<Result>): Promise<Result> {
    const { locks, layout, removeTree } = this.#input;
    const temporary = layout.temporary(`layer-${hexOf(key)}`);
    const lock = await locks.exclusive(`layer-${hexOf(key)}`, signal);
    try {
      return await work(temporary);
    } finally {
      await removeTree(temporary).catch(() => undefined);
      await lock.release();
    }
  }

  async #unpackInto(temporary: string, work: LayerWork, lower: readonly string[] | undefined): Promise<LayerRecord> {
    await this.#makeEmpty(temporary);
    return recordOf(await this.#unpack(join(temporary, 'diff'), work, lower), work.layer);
  }

  async #makeEmpty(temporary: string): Promise<void> {
    await this.#input.removeTree(temporary);
    const folder = join(temporary, 'diff');
    try {
      await mkdir(temporary, { mode: 0o700 });
      await mkdir(folder);
      // It may become the root of a container, whatever the caller's umask.
      await chmod(folder, 0o755);
    } catch (cause) {
      throw await storeError(temporary, cause);
    }
  }

  async #publish(temporary: string, key: string, record: LayerRecord): Promise<void> {
    const { layout, removeTree } = this.#input;
    await writeUnseen(join(temporary, 'layer.json'), record);
    try {
      await syncFolder(temporary);
      await rename(temporary, layout.layer(key)).catch(async (cause: unknown) => {
        // What lies there is damaged: `find` did not take it.
        if (errnoName(cause) !== 'ENOTEMPTY' && errnoName(cause) !== 'EEXIST') throw cause;
        await removeTree(layout.layer(key));
        await rename(temporary, layout.layer(key));
      });
      await syncFolder(layout.layers);
    } catch (cause) {
      throw await storeError(temporary, cause);
    }
  }

  async #unpack(destination: string, work: LayerWork, lower: readonly string[] | undefined): Promise<UnpackReport> {
    const { layer: { descriptor }, limits, signal, onProgress } = work;
    const request = {
      destination,
      limits,
      signal,
      ...(lower !== undefined && { lower }),
      onProgress: (doneBytes: number) => { onProgress({ stage: 'unpacking', digest: descriptor.digest, doneBytes, totalBytes: descriptor.size }); },
    };
    const report = await this.#feed(request, work);
    onProgress({ stage: 'unpacking', digest: descriptor.digest, doneBytes: descriptor.size, totalBytes: descriptor.size, finished: true });
    return report;
  }

  async #feed(request: Omit<UnpackRequest, 'source'>, work: LayerWork): Promise<UnpackReport> {
    const { blobs, locks } = this.#input;
    const { descriptor } = work.layer;
    if (await blobs.has(descriptor)) {
      const report = await this.#unpackStored(request, descriptor.digest);
      if (report !== undefined) return report;
      await this.#makeEmpty(dirname(request.destination));
    }
    const lock = await locks.exclusive(lockOfBlob(descriptor.digest), work.signal);
    if (!(await blobs.has(descriptor))) return this.#receiveLocked(lock, work, request);
    await lock.release();
    return this.#unpackChecked(request, descriptor.digest);
  }

  /** Another process had it first. */
  async #unpackChecked(request: Omit<UnpackRequest, 'source'>, digest: string): Promise<UnpackReport> {
    const report = await this.#unpackStored(request, digest);
    if (report !== undefined) return report;
    throw loss(`the blob ${digest} was damaged in the image store, and was removed`);
  }

  /** Undefined for a blob that is not what its name says: then it is gone. */
  async #unpackStored(request: Omit<UnpackRequest, 'source'>, digest: string): Promise<UnpackReport | undefined> {
    const { blobs, unpack } = this.#input;
    const file = await blobs.open(digest);
    try {
      const report = await unpack({ ...request, source: file.fd });
      if (report.blobDigest === digest) return report;
    } catch (cause) {
      if (!isOfImage(cause) || (await blobs.isWhole(digest, request.signal))) throw cause;
    } finally {
      await file.close();
    }
    await blobs.remove(digest);
    return undefined;
  }

  async #receiveLocked(lock: Lock, work: LayerWork, request: Omit<UnpackRequest, 'source'>): Promise<UnpackReport> {
    try {
      const report = await this.#receive({ ...work, blob: work.layer }, request);
      if (report === undefined) throw new RangeError('nothing was unpacked');
      return report;
    } finally {
      await lock.release();
    }
  }

  /** When bytes of an earlier try may be at fault, once more from the start; when those of one giver, from the next. */
  async #receive(work: BlobWork, request: Omit<UnpackRequest, 'source'> | undefined, isAgain = false): Promise<UnpackReport | undefined> {
    const { blob, onProgress } = work;
    const { digest, size } = blob.descriptor;
    const stop = new AbortController();
    const signal = work.signal === undefined ? stop.signal : AbortSignal.any([work.signal, stop.signal]);
    const tell = (doneBytes: number) => { onProgress({ stage: 'fetching', digest, doneBytes, totalBytes: size, ...(doneBytes === size && { finished: true }) }); };
    let again = false;
    const arrival = await Arrival.begin({ layout: this.#input.layout, blob, signal, onProgress: tell, isGivenUp: () => work.signal?.aborted === true });
    try {
      const unpacking = request === undefined ? undefined : this.#input.unpack({ ...request, signal, source: arrival.follow() });
      // Whichever fails first says why: what it makes fail in the other one is no news.
      const first = await firstFault([arrival.receive(), unpacking], (cause) => { stop.abort(cause); });
      if (first === undefined) return await unpacking;
      if (!isOfImage(first.cause)) throw first.cause;
      if (arrival.isResumed && !isAgain) again = true;
      else {
        const rejected = blob.reject?.();
        if (rejected?.isOtherLeft !== true) throw rejected === undefined ? first.cause : cameFrom(rejected.giver, first.cause);
      }
    } finally {
      await arrival.close();
    }
    if (request !== undefined) await this.#makeEmpty(dirname(request.destination));
    return this.#receive(work, request, again);
  }
}

/** Waits for all to end. */
async function firstFault(works: readonly (Promise<unknown> | undefined)[], onFault: (cause: unknown) => void): Promise<{ readonly cause: unknown } | undefined> {
  let first: { readonly cause: unknown } | undefined;
  await Promise.all(works.map(async (work) => {
    try {
      await work;
    } catch (cause) {
      if (first !== undefined) return;
      first = { cause };
      onFault(cause);
    }
  }));
  return first;
}

function cameFrom(giver: string, { message, hint }: TsrunError): TsrunError {
  return new TsrunError('ERR_TSRUN_IMAGE', `${message}; the blob came from ${giver}`, { hint });
}

function isOfImage(cause: unknown): cause is TsrunError {
  return TsrunError.is(cause) && cause.code === 'ERR_TSRUN_IMAGE';
}

/** That containers have, unless somebody gives them more. */
const usualIds = 65_536;

function recordOf({ diffId, blobDigest, unpackedBytes, entries, highestId = 0, dependsOnLower }: UnpackReport, layer: OfferedLayer): LayerRecord {
  const { descriptor: { digest } } = layer;
  const hint = 'the image is damaged, or was put together wrongly: fetch or build it again';
  if (blobDigest !== digest) throw new TsrunError('ERR_TSRUN_IMAGE', `the layer ${digest} changed while it was read`, { hint });
  if (diffId !== layer.diffId) {
    throw new TsrunError('ERR_TSRUN_IMAGE', `the layer ${digest} holds other files than the image's config says: its diff id is ${diffId}, not ${layer.diffId}`, { hint });
  }
  return { version: 1, diffId, blobDigests: [blobDigest], unpackedBytes, entries, ...(highestId >= usualIds && { highestId }), dependsOnLower };
}
