/** Images as files, made of folders of the host: no tool of others is needed, and nothing is fetched. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { digestOf } from '../../src/image/documents/digest.js';
import { mediaTypes } from '../../src/image/documents/media-types.js';
import type { ImageConfig } from '../../src/image/documents.js';
import type { OfferedImage } from '../../src/image/offer.js';
import { makeImage, offerLayer, type MadeLayer } from './store-lab.js';

/** A folder as it is, with its owners. */
export function packFolder(folder: string): MadeLayer {
  const { stdout, status, stderr } = spawnSync('tar', ['--sort=name', '--mtime=@0', '--numeric-owner', '-c', '-C', folder, '.'], { maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(stderr.toString());
  return offerLayer(gzipSync(stdout, { level: 1 }), digestOf(stdout));
}

export interface Layout {
  readonly path: string;
  readonly image: OfferedImage;
}

const ownArchitecture = process.arch === 'x64' ? 'amd64' : 'arm64';

/** An OCI image layout with one image, for this machine unless that is said otherwise. */
export function writeLayout(path: string, layers: readonly MadeLayer[], config: ImageConfig['config'] = {}, name?: string, architecture = ownArchitecture): Layout {
  const image = makeImage(layers, { architecture, config });
  mkdirSync(join(path, 'blobs/sha256'), { recursive: true });
  const blobs: readonly (readonly [digest: string, bytes: Buffer])[] = [
    [image.manifest.descriptor.digest, image.manifest.bytes],
    [image.config.descriptor.digest, image.config.bytes],
    ...layers.map(({ descriptor, bytes }): readonly [string, Buffer] => [descriptor.digest, bytes]),
  ];
  for (const [digest, bytes] of blobs) writeFileSync(join(path, 'blobs/sha256', digest.slice('sha256:'.length)), bytes);
  const annotations = name === undefined ? {} : { annotations: { 'org.opencontainers.image.ref.name': name } };
  writeFileSync(join(path, 'index.json'), JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.index, manifests: [{ ...image.manifest.descriptor, platform: { os: 'linux', architecture }, ...annotations }] }));
  writeFileSync(join(path, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  return { path, image };
}

