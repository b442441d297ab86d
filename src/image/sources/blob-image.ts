/** Descriptor → image, where blobs are found by their digests: in a layout, in skopeo's folder. Documents are compared with their digests here. */
import type { Descriptor, ImageManifest, Platform } from '../documents.js';
import type { OfferedLayer } from '../offer.js';
import { checkImage, readConfig } from '../documents/config.js';
import { digestOf } from '../documents/digest.js';
import { layerKind } from '../documents/media-types.js';
import { mostDocumentBytes, readImageDocument } from '../documents/manifest.js';
import { candidatesForPlatform, checkPlatform, PlatformError } from '../documents/platform.js';
import { documentError } from '../documents/shapes.js';
import type { UnnamedImage } from './choose.js';
import { readWhole, type TreeFile } from './file-tree.js';

/** An index in an index is a list of lists; nobody nests deeper. */
const deepest = 4;
/** So many manifests and indexes that say no platform are looked into; tools write one or two. */
const mostLooked = 64;

export interface Blobs {
  /** Names the source in errors, quoted. */
  readonly name: string;
  find(descriptor: Descriptor): Promise<TreeFile | undefined>;
}

export interface Found {
  readonly bytes: Buffer;
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
}

/** The image that a descriptor of a manifest or index leads to. */
export async function openImage(blobs: Blobs, descriptor: Descriptor, wanted: Platform): Promise<UnnamedImage> {
  return openAt(blobs, descriptor, wanted, { depth: 1, looked: { count: 0 } });
}

interface Search {
  readonly depth: number;
  /** Of the whole search. */
  readonly looked: { count: number };
}

async function openAt(blobs: Blobs, descriptor: Descriptor, wanted: Platform, { depth, looked }: Search): Promise<UnnamedImage> {
  if (depth > deepest) throw documentError(`${blobs.name} has indexes in indexes deeper than ${deepest} levels`);
  if (++looked.count > mostLooked) throw documentError(`${blobs.name} has more than ${mostLooked} manifests of which no index says the platform`);
  const bytes = await readBlob(blobs, descriptor, 'manifest');
  const document = readImageDocument(bytes, `the manifest ${short(descriptor)} in ${blobs.name}`, descriptor.mediaType);
  if (document.kind === 'manifest') return imageOf(blobs, { bytes, descriptor, manifest: document.manifest }, wanted);
  const offered: Platform[] = [];
  for (const candidate of candidatesForPlatform(document.index.manifests, wanted, blobs.name)) {
    try {
      return await openAt(blobs, candidate, wanted, { depth: depth + 1, looked });
    } catch (error) {
      if (!(error instanceof PlatformError)) throw error;
      offered.push(...error.offered);
    }
  }
  throw new PlatformError([...offered, ...document.index.manifests.flatMap(({ platform }) => platform ?? [])], wanted, blobs.name);
}

/** The rest of an image, from its manifest on. */
export async function imageOf(blobs: Blobs, { bytes, descriptor, manifest }: Found, wanted: Platform): Promise<UnnamedImage> {
  const configBytes = await readBlob(blobs, manifest.config, 'config');
  const value = readConfig(configBytes, `the config in ${blobs.name}`);
  checkImage(manifest, value, `the image in ${blobs.name}`);
  checkPlatform(value, wanted, blobs.name);
  const layers = await Promise.all(manifest.layers.map((layer, index) => openLayer(blobs, layer, value.rootfs.diff_ids[index] ?? '')));
  const { mediaType, digest, size } = descriptor;
  return { manifest: { bytes, descriptor: { mediaType, digest, size } }, config: { bytes: configBytes, descriptor: manifest.config, value }, layers };
}

async function readBlob(blobs: Blobs, descriptor: Descriptor, what: string): Promise<Buffer> {
  const file = await blobs.find(descriptor);
  if (file === undefined) throw missing(blobs, descriptor, `the ${what}`);
  const bytes = await readWhole(file, mostDocumentBytes, `the ${what} ${short(descriptor)} in ${blobs.name}`);
  const found = digestOf(bytes);
  if (bytes.length === descriptor.size && found === descriptor.digest) return bytes;
  const [has, should] = bytes.length === descriptor.size ? [found, descriptor.digest] : [`${bytes.length} bytes`, `${descriptor.size}`];
  throw documentError(`the ${what} ${short(descriptor)} in ${blobs.name} is damaged: it has ${has} and should have ${should}`, 'get the image anew');
}

async function openLayer(blobs: Blobs, descriptor: Descriptor, diffId: string): Promise<OfferedLayer> {
  const file = await blobs.find(descriptor);
  if (file === undefined) throw missing(blobs, descriptor, 'the layer');
  if (file.size === descriptor.size) return { descriptor, diffId, open: (options) => file.open(options), lend: (options) => file.lend(options) };
  throw documentError(`the layer ${short(descriptor)} in ${blobs.name} is damaged: it has ${file.size} bytes and should have ${descriptor.size}`, 'get the image anew');
}

function missing({ name }: Blobs, descriptor: Descriptor, what: string): Error {
  const isForeign = layerKind(descriptor.mediaType)?.isForeign === true;
  const hint = isForeign ? 'its author does not let it be handed on with the image: get the image from where it was published' : 'the copy of the image is not whole: make it anew';
  return documentError(`${what} ${short(descriptor)} is not in ${name}`, hint);
}

/** Enough of a digest for people to tell it from others. */
function short({ digest }: Descriptor): string {
  return digest.slice(0, 'sha256:'.length + 12);
}
