/** Media types of image-spec 1.1 and of Docker's second schema, and what each of them says. */

export const mediaTypes = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar',
  dockerIndex: 'application/vnd.docker.distribution.manifest.list.v2+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerConfig: 'application/vnd.docker.container.image.v1+json',
  dockerLayer: 'application/vnd.docker.image.rootfs.diff.tar',
} as const;

/** How a layer's bytes are packed. */
export type Compression = 'none' | 'gzip' | 'zstd';

export interface LayerKind {
  readonly compression: Compression;
  /** Its author did not want it handed on with the image (image-spec: nondistributable, Docker: foreign). */
  readonly isForeign: boolean;
}

const packings: readonly (readonly [Compression, oci: string, docker: string])[] = [['none', '', ''], ['gzip', '+gzip', '.gzip'], ['zstd', '+zstd', '.zstd']];

const layerKinds: ReadonlyMap<string, LayerKind> = new Map(packings.flatMap(([compression, oci, docker]): [string, LayerKind][] => [
  [mediaTypes.layer + oci, { compression, isForeign: false }],
  [`application/vnd.oci.image.layer.nondistributable.v1.tar${oci}`, { compression, isForeign: true }],
  [mediaTypes.dockerLayer + docker, { compression, isForeign: false }],
  [`application/vnd.docker.image.rootfs.foreign.diff.tar${docker}`, { compression, isForeign: true }],
]));

export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.index || mediaType === mediaTypes.dockerIndex;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === mediaTypes.manifest || mediaType === mediaTypes.dockerManifest;
}

export function isConfigType(mediaType: string): boolean {
  return mediaType === mediaTypes.config || mediaType === mediaTypes.dockerConfig;
}

/** May it be part of an image's files, packed in whatever way? */
export function isLayerType(mediaType: string): boolean {
  return mediaType.startsWith('application/vnd.oci.image.layer.') || mediaType.startsWith('application/vnd.docker.image.rootfs.');
}

/** Undefined for what is not a layer that can be unpacked. */
export function layerKind(mediaType: string): LayerKind | undefined {
  return layerKinds.get(mediaType);
}

/** The OCI type of a layer that is packed so. */
export function layerType(compression: Compression): string {
  return mediaTypes.layer + (compression === 'none' ? '' : `+${compression}`);
}
