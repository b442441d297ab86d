/** Images of the store as files for other tools: an OCI image layout, or what `docker save` wrote before version 25. */
import { mediaTypes } from '../../documents/media-types.js';
import type { Descriptor } from '../../documents.js';
import { parseReference } from '../../reference.js';
import type { Blobs } from '../blobs.js';
import { hexOf } from '../digest.js';
import { damaged } from '../faults.js';
import type { ImageLayerRecord, ImageRecord } from '../records.js';
import type { Tell } from '../work.js';
import { compressionOf, gunzipped, measure, storedPieces } from './pieces.js';
import { atDestination, openFolderSink, openTarSink, type Sink } from './sink.js';

export interface ImageToSave {
  readonly record: ImageRecord;
  /** Whole. */
  readonly names: readonly string[];
}

/** The bytes of a packed layer as a plain tar. */
export type UnpackBlob = (digest: string, signal: AbortSignal | undefined) => AsyncIterable<Buffer>;

export interface SaveInput {
  readonly blobs: Blobs;
  readonly images: readonly ImageToSave[];
  readonly destination: string;
  readonly format: 'oci' | 'docker-archive';
  readonly signal?: AbortSignal | undefined;
  readonly tell: Tell;
  /** Expands what Node cannot (zstd). */
  readonly expand: UnpackBlob;
}

/**
 * An archive takes the place of a file that is there; a folder must be new or empty.
 *
 * @throws ERR_TSRUN_INVALID_ARGUMENT, ERR_TSRUN_HOST, ERR_TSRUN_STORE for damaged blobs, ERR_TSRUN_ABORTED
 */
export async function saveImages(input: SaveInput): Promise<void> {
  const { destination, format } = input;
  await atDestination(destination, async () => {
    const sink = format === 'oci' && !destination.endsWith('.tar') ? await openFolderSink(destination) : await openTarSink(destination);
    try {
      await (format === 'oci' ? writeLayout(sink, input) : writeDockerArchive(sink, input));
      await sink.finish();
    } catch (cause) {
      await sink.discard();
      throw cause;
    }
  });
}

async function writeLayout(sink: Sink, { blobs, images, signal, tell }: SaveInput): Promise<void> {
  await addJson(sink, 'oci-layout', { imageLayoutVersion: '1.0.0' });
  const needed = images.flatMap(({ record: { manifest, config, layers } }) => [manifest, config, ...layers.map(({ descriptor }) => descriptor)]);
  for (const { digest, size } of new Map(needed.map((descriptor) => [descriptor.digest, descriptor])).values()) {
    const onRead = (doneBytes: number) => { tell({ stage: 'writing', digest, doneBytes, totalBytes: size, ...(doneBytes === size && { finished: true }) }); };
    await sink.add(`blobs/sha256/${hexOf(digest)}`, size, storedPieces({ blobs, digest, signal, onRead }));
  }
  await addJson(sink, 'index.json', { schemaVersion: 2, mediaType: mediaTypes.index, manifests: images.flatMap(indexEntries) });
}

/** podman takes the whole name from `ref.name`, containerd and docker from their own. */
function indexEntries({ record: { manifest: { mediaType, digest, size }, platform }, names }: ImageToSave): object[] {
  const entry = { mediaType, digest, size, platform };
  if (names.length === 0) return [entry];
  return names.map((name) => ({ ...entry, annotations: { 'org.opencontainers.image.ref.name': name, 'io.containerd.image.name': name } }));
}

async function writeDockerArchive(sink: Sink, input: SaveInput): Promise<void> {
  const written = new Set<string>();
  const once = async (path: string, add: () => Promise<void>): Promise<string> => {
    if (!written.has(path)) await add();
    written.add(path);
    return path;
  };
  const entries: object[] = [];
  for (const { record, names } of input.images) {
    const { config } = record;
    const configPath = await once(`${hexOf(config.digest)}.json`, async () => { await addBlob(sink, config, input); });
    const layers: string[] = [];
    for (const layer of record.layers) layers.push(await once(`${hexOf(layer.diffId)}.tar`, async () => { await addPlain(sink, layer, input); }));
    entries.push({ Config: configPath, RepoTags: names.filter(hasTag), Layers: layers });
  }
  await addJson(sink, 'manifest.json', entries);
}

/** A name with a digest cannot be given to what is loaded: the digest is that of another manifest then. */
function hasTag(name: string): boolean {
  const { tag, digest } = parseReference(name);
  return tag !== undefined && digest === undefined;
}

async function addBlob(sink: Sink, { digest, size }: Descriptor, { blobs, signal }: SaveInput): Promise<void> {
  await sink.add(`${hexOf(digest)}.json`, size, storedPieces({ blobs, digest, signal }));
}

/** Its size stands before its bytes: it is expanded twice, which costs less than a disk with room for it. */
async function addPlain(sink: Sink, { descriptor, diffId }: ImageLayerRecord, { blobs, signal, tell, expand }: SaveInput): Promise<void> {
  const { digest, size } = descriptor;
  const onRead = (doneBytes: number) => { tell({ stage: 'writing', digest, doneBytes, totalBytes: size, ...(doneBytes === size && { finished: true }) }); };
  const compression = await compressionOf(blobs, digest);
  const plain = (isLast: boolean): AsyncIterable<Buffer> => {
    const reading = { blobs, digest, signal, ...(isLast && { onRead }) };
    if (compression === 'gzip') return gunzipped(reading);
    return compression === 'none' ? storedPieces(reading) : expand(digest, signal);
  };
  const found = await measure(plain(false));
  if (found.digest !== diffId) throw damaged(blobs.path(digest), 'its files are not those that the image\'s config says');
  await sink.add(`${hexOf(diffId)}.tar`, found.size, plain(true));
}

async function addJson(sink: Sink, path: string, value: object): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(value));
  await sink.add(path, bytes.length, [bytes]);
}
