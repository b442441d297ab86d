/** Descriptor → image, where blobs are found by their digests: in a layout, in skopeo's folder. Documents are compared with their digests here. */
import type { Descriptor, Platform } from '../documents.js';
import type { OfferedLayer } from '../offer.js';
import { checkImage, readConfig } from '../documents/config.js';
import { digestOf } from '../documents/digest.js';
import { layerKind } from '../documents/media-types.js';
import { mostDocumentBytes } from '../documents/manifest.js';
import { checkPlatform } from '../documents/platform.js';
import { searchImage, type FoundManifest, type RawDocument } from '../documents/search.js';
import { documentError } from '../documents/shapes.js';
import type { UnnamedImage } from './choose.js';
import { readWhole, type TreeFile } from './file-tree.js';

export interface Blobs {
  /** Names the source in errors, quoted. */
  readonly name: string;
  find(descriptor: Descriptor): Promise<TreeFile | undefined>;
}

/** The image that a descriptor of a manifest or index leads to. */
export async function openImage(blobs: Blobs, descriptor: Descriptor, wanted: Platform): Promise<UnnamedImage> {
  const read = async (named: Descriptor) => readManifest(blobs, named);
  // The index of a layout has named it.
  return searchImage({ name: blobs.name, depth: 1, read, open: (found) => imageOf(blobs, found, wanted) }, await read(descriptor), wanted);
}

/** A manifest or index, with the digest that it is named by. @throws ERR_TSRUN_IMAGE */
export async function readManifest(blobs: Blobs, named: Descriptor): Promise<RawDocument> {
  const bytes = await readBlob(blobs, named, 'manifest');
  return { bytes, digest: named.digest, mediaType: named.mediaType, label: `the manifest ${short(named)} in ${blobs.name}` };
}

/** The rest of an image, from its manifest on. */
async function imageOf(blobs: Blobs, { bytes, descriptor, manifest }: FoundManifest, wanted: Platform): Promise<UnnamedImage> {
  const configBytes = await readBlob(blobs, manifest.config, 'config');
  const value = readConfig(configBytes, `the config in ${blobs.name}`);
  checkImage(manifest, value, `the image in ${blobs.name}`);
  checkPlatform(value, wanted, blobs.name);
  const layers = await Promise.all(manifest.layers.map((layer, index) => openLayer(blobs, layer, value.rootfs.diff_ids[index] ?? '')));
  return { manifest: { bytes, descriptor }, config: { bytes: configBytes, descriptor: manifest.config, value }, layers };
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
