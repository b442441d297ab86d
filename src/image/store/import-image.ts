/** From an image that a source offers to one that lies in the store. */
import { availableParallelism } from 'node:os';
import { TsrunError } from '../../spec/errors.js';
import type { OfferedImage, OfferedLayer } from '../offer.js';
import type { UnpackLimits } from '../unpack.js';
import { chainIdsOf } from './digest.js';
import { aborted, freeBytes, lacksSpace } from './faults.js';
import { inParallel } from './in-parallel.js';
import type { LayerWork, UnpackedLayer } from './layers.js';
import type { ImageLayerRecord, ImageRecord } from './records.js';
import { layerFolders } from './run-layers.js';
import type { StoreParts } from './store-parts.js';
import type { Tell } from './work.js';

/** Many times what images have, and less than fills a disk unseen. */
export const defaultLimits: UnpackLimits = { bytes: 64 * 2 ** 30, entries: 4_000_000, ratio: 400 };

/** Registries begin to refuse above that; an archive's layers are read from one disk. */
const mostAtOnce = 4;

export interface ImportOptions {
  readonly limits?: Partial<UnpackLimits> | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly tell: Tell;
}

/**
 * Who calls holds the lock `use`, so that nothing of it is pruned before the image is known. The image has no name yet.
 *
 * @throws ERR_TSRUN_IMAGE, ERR_TSRUN_STORE, ERR_TSRUN_ABORTED, and what the source throws
 */
export async function importImage(parts: StoreParts, offer: OfferedImage, options: ImportOptions): Promise<ImageRecord> {
  const { layout, blobs } = parts;
  const diffIds = offer.config.value.rootfs.diff_ids;
  checkCounts(offer, diffIds);
  await checkSpace(parts, offer);
  await blobs.put(offer.config.bytes, offer.config.descriptor, options.signal);
  const unpacked = await new LayerImport(parts, offer, options).run(diffIds);
  await blobs.put(offer.manifest.bytes, offer.manifest.descriptor, options.signal);
  const layers = unpacked.map((each, index) => layerRecord(each, offer.layers[index]));
  const { os, architecture, variant, created } = offer.config.value;
  const record: ImageRecord = {
    version: 1,
    manifest: offer.manifest.descriptor,
    config: offer.config.descriptor,
    platform: { os, architecture, ...(variant !== undefined && { variant }) },
    ...(created !== undefined && { created }),
    layers,
    importedAtMs: Date.now(),
  };
  await parts.write(layout.image(offer.manifest.descriptor.digest), record);
  return record;
}

function checkCounts({ layers, manifest }: OfferedImage, diffIds: readonly string[]): void {
  const fits = layers.length === diffIds.length && layers.every(({ diffId }, index) => diffId === diffIds[index]);
  if (fits && layers.length > 0) return;
  throw new TsrunError('ERR_TSRUN_IMAGE', `the image ${manifest.descriptor.digest} has ${layers.length} layers, and its config tells of ${diffIds.length}${fits ? '' : ' others'}`, {
    hint: 'an image has at least one layer, and its config a diff id for each',
  });
}

async function checkSpace({ blobs, layout }: StoreParts, { layers }: OfferedImage): Promise<void> {
  const missing = new Map<string, number>();
  for (const { descriptor } of layers) if (!(await blobs.has(descriptor))) missing.set(descriptor.digest, descriptor.size);
  const needed = [...missing.values()].reduce((sum, size) => sum + size, 0);
  const free = await freeBytes(layout.root);
  if (free !== undefined && needed > free) throw lacksSpace(`the image store needs ${needed} bytes for the blobs of this image alone, and ${free} are free`);
}

function layerRecord({ key, record: { diffId, unpackedBytes, entries, highestId } }: UnpackedLayer, offered: OfferedLayer | undefined): ImageLayerRecord {
  if (offered === undefined) throw new RangeError('more layers than were offered');
  return { descriptor: offered.descriptor, diffId, key, unpackedBytes, entries, ...(highestId !== undefined && { highestId }) };
}

class LayerImport {
  readonly #parts: StoreParts;
  readonly #offer: OfferedImage;
  readonly #options: ImportOptions;
  /** One layer's failure ends the work on the others. */
  readonly #stop = new AbortController();
  readonly #signal: AbortSignal;

  constructor(parts: StoreParts, offer: OfferedImage, options: ImportOptions) {
    this.#parts = parts;
    this.#offer = offer;
    this.#options = options;
    this.#signal = options.signal === undefined ? this.#stop.signal : AbortSignal.any([options.signal, this.#stop.signal]);
  }

  async run(diffIds: readonly string[]): Promise<UnpackedLayer[]> {
    const chainIds = chainIdsOf(diffIds);
    const started: Promise<UnpackedLayer>[] = [];
    const atOnce = Math.min(mostAtOnce, availableParallelism() + 1);
    // Begun from the lowest on: one that needs those below waits for nothing that has not begun.
    const works = this.#offer.layers.map((layer, index) => async () => {
      const work = this.#layer(layer, index, chainIds[index] ?? '', started.slice(0, index));
      started[index] = work;
      return work;
    });
    try {
      return await inParallel(works, atOnce, (cause) => { this.#stop.abort(cause); });
    } catch (cause) {
      const { signal } = this.#options;
      throw signal?.aborted === true ? aborted(signal) : cause;
    }
  }

  async #layer(layer: OfferedLayer, index: number, chainId: string, below: readonly Promise<UnpackedLayer>[]): Promise<UnpackedLayer> {
    const { layers } = this.#parts;
    const isLowest = index === 0;
    const { tell, limits } = this.#options;
    const work: LayerWork = { layer, limits: { ...defaultLimits, ...limits }, signal: this.#signal, onProgress: tell };
    const { digest, size } = layer.descriptor;
    const there = await this.#known(layer.diffId, chainId, isLowest);
    if (there !== undefined) {
      await layers.ensureSame(there, work);
      tell({ stage: 'unpacking', digest, doneBytes: size, totalBytes: size, finished: true, wasThere: true });
      return there;
    }
    const alone = (await layers.find(layer.diffId)) ?? (await layers.ensure(layer.diffId, work, { isLowest }));
    if (isLowest || !alone.dependsOnLower) return { key: layer.diffId, record: alone };
    const lower = (await Promise.all(below)).map(({ key }) => ({ key, entries: 1 }));
    return { key: chainId, record: await layers.ensure(chainId, work, { isLowest, lower: layerFolders(this.#parts.layout, lower) }) };
  }

  async #known(diffId: string, chainId: string, isLowest: boolean): Promise<UnpackedLayer | undefined> {
    const { layers } = this.#parts;
    const chained = chainId === diffId ? undefined : await layers.find(chainId);
    if (chained !== undefined) return { key: chainId, record: chained };
    const alone = await layers.find(diffId);
    return alone === undefined || (alone.dependsOnLower && !isLowest) ? undefined : { key: diffId, record: alone };
  }
}
