/** Bytes → manifest or index. Which of the two it is decides what is run, so that a document that could be both is refused (CVE-2021-41190). */
import { printable } from '../../spec/quote.js';
import type { JsonObject } from '../../spec/json.js';
import { array, integer, optional, type Shape } from '../../spec/shape.js';
import type { Descriptor, ImageIndex, ImageManifest, Platform } from '../documents.js';
import { assertDocument, digest, documentError, fillLists, filled, known, readJsonObject, texts } from './shapes.js';
import { isConfigType, isIndexType, isManifestType, layerKind, mediaTypes } from './media-types.js';

/** A manifest or index is never larger (distribution-spec, "Pushing Manifests": what registries must take). */
export const mostDocumentBytes = 4 * 1024 * 1024;

export type ImageDocument =
  | { readonly kind: 'index'; readonly index: ImageIndex }
  | { readonly kind: 'manifest'; readonly manifest: ImageManifest };

const platform = known<Platform>({ os: filled, architecture: filled, variant: optional(filled) });

export const descriptor: Shape<Descriptor> = known<Descriptor>({
  mediaType: filled,
  digest,
  size: integer(0, Number.MAX_SAFE_INTEGER),
  platform: optional(platform),
  annotations: optional(texts),
});

const version: Shape<2> = {
  expects: '2',
  check(value, at, faults) {
    if (value !== 2) faults.expected(at, '2', value);
  },
};
const indexShape = known<ImageIndex>({ schemaVersion: version, mediaType: optional(filled), manifests: array(descriptor), annotations: optional(texts) });
const manifestShape = known<ImageManifest>({
  schemaVersion: version,
  mediaType: optional(filled),
  config: descriptor,
  layers: array(descriptor),
  annotations: optional(texts),
});

/** What belongs to one kind of document alone. */
const ofIndexes = ['manifests'];
const ofManifests = ['config', 'layers', 'fsLayers', 'history', 'signatures'];

/**
 * @param source names the document in errors: `the manifest of 'alpine.tar'`
 * @param announced the media type by which it was found: that of the descriptor, or of the registry's answer
 * @throws ERR_TSRUN_IMAGE
 */
export function readImageDocument(bytes: Uint8Array, source: string, announced?: string): ImageDocument {
  const value = readJsonObject(bytes, source);
  const mediaType = typeOf(value, source, announced);
  const [other, kind] = isIndexType(mediaType) ? [ofManifests, 'index'] : [ofIndexes, 'manifest'];
  const foreign = other.find((key) => Object.hasOwn(value, key));
  if (foreign !== undefined) throw documentError(`${source} says that it is an image ${kind}, but has '${foreign}', as ${kind === 'index' ? 'a manifest' : 'an index'} has`, 'a document that can be read in two ways is refused (CVE-2021-41190)');
  fillLists(value, 'manifests', 'layers');
  if (kind === 'index') {
    assertDocument(indexShape, value, source);
    return { kind, index: value };
  }
  assertDocument(manifestShape, value, source);
  refuseUnknownParts(value, source);
  return { kind: 'manifest', manifest: value };
}

/**
 * The index of a layout: nobody announces it, and it need not say what it is (image-layout.md). Some tools write Docker's kind there.
 *
 * @throws ERR_TSRUN_IMAGE
 */
export function readLayoutIndex(bytes: Uint8Array, source: string): ImageIndex {
  const own = readJsonObject(bytes, source)['mediaType'];
  const document = readImageDocument(bytes, source, own === mediaTypes.dockerIndex ? own : mediaTypes.index);
  if (document.kind !== 'index') throw documentError(`${source} is no index`);
  return document.index;
}

function typeOf(value: JsonObject, source: string, announced: string | undefined): string {
  const own = value['mediaType'] ?? undefined;
  if (own !== undefined && typeof own !== 'string') throw documentError(`${source} has a mediaType that is not text`);
  if (value['schemaVersion'] === 1 || (own ?? announced)?.includes('vnd.docker.distribution.manifest.v1') === true) {
    throw documentError(`${source} is of Docker's schema 1, which is not supported`, 'make it anew with a docker or podman of this decade, or copy it with skopeo');
  }
  if (own !== undefined && announced !== undefined && own !== announced) {
    throw documentError(`${source} says that it is '${printable(own, 100)}', but was announced as '${printable(announced, 100)}'`, 'a document that can be read in two ways is refused (CVE-2021-41190)');
  }
  const type = own ?? announced;
  if (type === undefined) throw documentError(`${source} does not say what it is: it has no mediaType`);
  if (!isIndexType(type) && !isManifestType(type)) throw documentError(`${source} is neither an image manifest nor an index, but '${printable(type, 100)}'`, 'it may be an artifact, such as a chart, a signature or a list of parts');
  return type;
}

function refuseUnknownParts({ config, layers }: ImageManifest, source: string): void {
  if (!isConfigType(config.mediaType)) {
    throw documentError(`${source} is not that of an image: its config is '${printable(config.mediaType, 100)}'`, 'it is an artifact, such as a chart, a signature or a list of parts');
  }
  if (config.size > mostDocumentBytes) throw documentError(`the config in ${source} has ${config.size} bytes, at most ${mostDocumentBytes} are read`);
  layers.forEach(({ mediaType }, index) => {
    if (layerKind(mediaType) !== undefined) return;
    const hint = /\+encrypted\b/.test(mediaType) ? 'it is encrypted: decrypt it first, with skopeo copy --decryption-key' : 'layers are tar archives: plain, gzip or zstd';
    throw documentError(`layer ${index + 1} in ${source} is of the type '${printable(mediaType, 100)}', which cannot be unpacked`, hint);
  });
}
