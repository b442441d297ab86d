/** A manifest for images of sources that have none: docker-archive, slug. */
import type { Descriptor, ImageConfig } from '../documents.js';
import type { OfferedImage } from '../offer.js';
import { digestOf } from './digest.js';
import { mediaTypes } from './media-types.js';

/** The same config and layers make the same bytes. */
export function makeManifest(config: Descriptor, layers: readonly Descriptor[]): OfferedImage['manifest'] {
  const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.manifest, config: plain(config), layers: layers.map(plain) }));
  return { bytes, descriptor: { mediaType: mediaTypes.manifest, digest: digestOf(bytes), size: bytes.length } };
}

/** A config with its descriptor, from its bytes and what they mean. */
export function describeConfig(bytes: Buffer, value: ImageConfig): OfferedImage['config'] {
  return { bytes, value, descriptor: { mediaType: mediaTypes.config, digest: digestOf(bytes), size: bytes.length } };
}

function plain({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}
