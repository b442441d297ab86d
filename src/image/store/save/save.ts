/** Images of the store as files for other tools: an OCI image layout, or what `docker save` wrote before version 25. */
import { mediaTypes } from '../../documents/media-types.js';
import type { Descriptor } from '../../documents.js';
import { containerdName, refName } from '../../documents/annotations.js';
import { parseReference } from '../../reference.js';
import { openPlain, type ExpandOptions } from '../../sources/expand.js';
import type { Blobs } from '../blobs.js';
import { hexOf } from '../digest.js';
import { damaged } from '../faults.js';
import type { ImageLayerRecord, ImageRecord } from '../records.js';
import type { Tell } from '../work.js';
import { measure, piecesOf, storedPieces } from './pieces.js';
import { atDestination, openFolderSink, openTarSink, type Destination, type Sink } from './sink.js';

export interface ImageToSave {
  readonly record: ImageRecord;
  /** Whole. */
  readonly names: readonly string[];
}

export interface SaveInput {
  readonly blobs: Blobs;
  readonly images: readonly ImageToSave[];
  readonly destination: Destination;
  readonly format: 'oci' | 'docker-archive';
  readonly signal?: AbortSignal | undefined;
  readonly tell: Tell;
  /** Docker's archives hold plain tars: packed layers are expanded into files without a name. */
  readonly expanding: ExpandOptions;
}

/**
 * An archive takes the place of a file that is there; a folder must be new or empty.
 *
 * @throws ERR_TSRUN_INVALID_ARGUMENT, ERR_TSRUN_HOST, ERR_TSRUN_STORE for damaged blobs, ERR_TSRUN_ABORTED
 */
export async function saveImages(input: SaveInput): Promise<void> {
  const { destination, format, signal } = input;
  await atDestination(destination, async () => {
    const isFolder = format === 'oci' && typeof destination === 'string' && !destination.endsWith('.tar');
    const sink = isFolder ? await openFolderSink(destination) : await openTarSink(destination, signal);
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
    await sink.add(`blobs/sha256/${hexOf(digest)}`, size, storedPieces(blobs, digest, { signal, onRead }));
  }
  await addJson(sink, 'index.json', { schemaVersion: 2, mediaType: mediaTypes.index, manifests: indexEntries(images) });
}

/**
 * As docker and containerd have it: the tag by which skopeo, umoci and buildah find the image, and the whole name, which is theirs alone.
 * A tag that two images have tells them apart no more: then it is the whole name too.
 */
function indexEntries(images: readonly ImageToSave[]): object[] {
  const tags = images.flatMap(({ names }) => [...new Set(names.map(tagOf))]);
  const isShared = (tag: string) => tags.indexOf(tag) !== tags.lastIndexOf(tag);
  return images.flatMap(({ record: { manifest: { mediaType, digest, size }, platform }, names }) => {
    const entry = { mediaType, digest, size, platform };
    // A name by which an index was pulled has the digest of that: the image that is written is one of those that it names.
    const own = names.filter((name) => [undefined, digest].includes(parseReference(name).digest));
    if (own.length === 0) return [entry];
    return own.map((name) => {
      const tag = tagOf(name);
      return { ...entry, annotations: { [containerdName]: name, ...(tag !== undefined && { [refName]: isShared(tag) ? name : tag }) } };
    });
  });
}

function tagOf(name: string): string | undefined {
  return parseReference(name).tag;
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
  await sink.add(`${hexOf(digest)}.json`, size, storedPieces(blobs, digest, { signal }));
}

async function addPlain(sink: Sink, { descriptor: { digest }, diffId }: ImageLayerRecord, { blobs, signal, tell, expanding }: SaveInput): Promise<void> {
  const file = await openPlain(await blobs.open(digest), `the layer ${digest}`, expanding);
  try {
    const { size, digest: found } = await measure(piecesOf(file, { signal }));
    if (found !== diffId) throw damaged(blobs.path(digest), 'its files are not those that the image\'s config says');
    const onRead = (doneBytes: number) => { tell({ stage: 'writing', digest, doneBytes, totalBytes: size, ...(doneBytes === size && { finished: true }) }); };
    await sink.add(`${hexOf(diffId)}.tar`, size, piecesOf(file, { signal, onRead }));
  } finally {
    await file.close();
  }
}

async function addJson(sink: Sink, path: string, value: object): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(value));
  await sink.add(path, bytes.length, [bytes]);
}
