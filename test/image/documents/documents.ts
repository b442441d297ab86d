/** Small whole documents, to be changed by tests. */
import { digestOf } from '../../../src/image/documents/digest.js';
import { mediaTypes } from '../../../src/image/documents/media-types.js';

export const someDigest = digestOf(Buffer.from('some'));

export function manifest(changes: object = {}): object {
  const config = { mediaType: mediaTypes.config, digest: someDigest, size: 2 };
  const layer = { mediaType: mediaTypes.layer, digest: someDigest, size: 1024 };
  return { schemaVersion: 2, mediaType: mediaTypes.manifest, config, layers: [layer], ...changes };
}

export function index(changes: object = {}): object {
  const entry = { mediaType: mediaTypes.manifest, digest: someDigest, size: 2, platform: { os: 'linux', architecture: 'amd64' } };
  return { schemaVersion: 2, mediaType: mediaTypes.index, manifests: [entry], ...changes };
}

export function imageConfig(changes: object = {}): object {
  return { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [someDigest] }, ...changes };
}

export function bytes(value: unknown): Buffer {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}
