/** An image of the store as a source would offer it: to be unpacked again, or written elsewhere. */
import { stat } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { checkImage, readConfig } from '../documents/config.js';
import { mostDocumentBytes, readImageDocument } from '../documents/manifest.js';
import { mediaTypes } from '../documents/media-types.js';
import { documentError, readJsonObject } from '../documents/shapes.js';
import type { Descriptor, ImageManifest } from '../documents.js';
import type { OfferedImage } from '../offer.js';
import type { Blobs } from './blobs.js';
import type { ImageRecord } from './records.js';

/** @throws ERR_TSRUN_STORE for blobs that are damaged or missing */
export async function offerStored(blobs: Blobs, record: Pick<ImageRecord, 'manifest'>, names: readonly string[]): Promise<OfferedImage> {
  const { bytes: manifestBytes, manifest } = await readManifest(blobs, record.manifest);
  const bytes = await blobs.read(manifest.config, mostDocumentBytes);
  const source = `the config of ${record.manifest.digest}`;
  const value = readConfig(bytes, source);
  checkImage(manifest, value, source);
  return {
    names,
    manifest: { bytes: manifestBytes, descriptor: record.manifest },
    config: { bytes, descriptor: manifest.config, value },
    layers: manifest.layers.map((descriptor, index) => ({
      descriptor,
      diffId: value.rootfs.diff_ids[index] ?? '',
      open: async ({ offset }) => openBlob(blobs, descriptor, offset),
    })),
    close: async () => Promise.resolve(),
  };
}

/** The same of one whose record is lost: what kind its manifest is stands in itself, or it is OCI's. @throws also what `stat` does */
export async function offerWithoutRecord(blobs: Blobs, digest: string): Promise<OfferedImage> {
  const manifest = { mediaType: mediaTypes.manifest, digest, size: (await stat(blobs.path(digest))).size };
  const { mediaType } = readJsonObject(await blobs.read(manifest, mostDocumentBytes), `the manifest ${digest}`);
  return offerStored(blobs, { manifest: { ...manifest, ...(typeof mediaType === 'string' && { mediaType }) } }, []);
}

async function readManifest(blobs: Blobs, descriptor: Descriptor): Promise<{ readonly bytes: Buffer; readonly manifest: ImageManifest }> {
  const bytes = await blobs.read(descriptor, mostDocumentBytes);
  const source = `the manifest ${descriptor.digest}`;
  const document = readImageDocument(bytes, source, descriptor.mediaType);
  if (document.kind !== 'manifest') throw documentError(`${source} is an index`);
  return { bytes, manifest: document.manifest };
}

async function openBlob(blobs: Blobs, { digest }: Descriptor, offset: number): Promise<Readable> {
  const file = await blobs.open(digest);
  return file.createReadStream({ start: offset });
}
