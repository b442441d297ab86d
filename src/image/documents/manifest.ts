/** Bytes → manifest or index. Which of the two it is decides what is run, so that a document that could be both is refused (CVE-2021-41190). */
import { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';
import type { JsonObject } from '../../spec/json.js';
import { array, integer, optional, type Shape } from '../../spec/shape.js';
import type { Descriptor, ImageIndex, ImageManifest, Platform } from '../documents.js';
import { assertDocument, digest, documentError, fillLists, filled, known, objectsIn, readJsonObject, texts } from './shapes.js';
import { tidyPlatform } from './platform.js';
import { isConfigType, isIndexType, isLayerType, isManifestType, layerKind, mediaTypes } from './media-types.js';

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
/** Of which the rest is checked when it is asked for. */
const anObject: Shape<object> = {
  expects: 'an object',
  check(value, at, faults) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) faults.expected(at, 'an object', value);
  },
};
const indexShape = known<ImageIndex>({ schemaVersion: version, mediaType: optional(filled), manifests: array(descriptor), annotations: optional(texts) });
const layoutShape = known<{ schemaVersion: 2; mediaType?: string; manifests: object[] }>({ schemaVersion: version, mediaType: optional(filled), manifests: array(anObject) });
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
  const kind = isIndexType(mediaType) ? 'index' : 'manifest';
  refuseOtherKind(value, kind, source);
  fillLists(value, 'manifests', 'layers');
  objectsIn(value['manifests']).forEach(tidyPlatform);
  if (kind === 'index') {
    assertDocument(indexShape, value, source);
    return { kind, index: value };
  }
  assertDocument(manifestShape, value, source);
  refuseUnknownParts(value, source);
  return { kind: 'manifest', manifest: value };
}

/** What a layout's index names: or what is wrong with that, which is nothing to who asks for another image of it. */
export type LayoutEntry =
  | { readonly kind: 'descriptor'; readonly descriptor: Descriptor }
  | { readonly kind: 'fault'; readonly fault: TsrunError; readonly annotations: Readonly<Record<string, string>> };

/**
 * The images that the index of a layout names: nobody announces it, and it need not say what it is (image-layout.md). Some tools write
 * Docker's kind there.
 *
 * @throws ERR_TSRUN_IMAGE
 */
export function readLayoutIndex(bytes: Uint8Array, source: string): readonly LayoutEntry[] {
  const value = readJsonObject(bytes, source);
  const mediaType = typeOf(value, source, value['mediaType'] === mediaTypes.dockerIndex ? mediaTypes.dockerIndex : mediaTypes.index);
  if (!isIndexType(mediaType)) throw documentError(`${source} is no index`);
  refuseOtherKind(value, 'index', source);
  fillLists(value, 'manifests');
  objectsIn(value['manifests']).forEach(tidyPlatform);
  assertDocument(layoutShape, value, source);
  return value.manifests.flatMap((entry, index) => layoutEntry(entry, `entry ${index} of ${source}`));
}

/** What says that it is something else than an image is passed over. */
function layoutEntry(entry: { readonly mediaType?: unknown; readonly annotations?: unknown }, source: string): readonly LayoutEntry[] {
  const { mediaType, annotations } = entry;
  if (typeof mediaType === 'string' && !isManifestType(mediaType) && !isIndexType(mediaType)) return [];
  try {
    assertDocument(descriptor, entry, source);
    return [{ kind: 'descriptor', descriptor: entry }];
  } catch (fault) {
    if (!TsrunError.is(fault)) throw fault;
    const said = Object.entries(annotations ?? {}).filter((each): each is [string, string] => typeof each[1] === 'string');
    return [{ kind: 'fault', fault, annotations: Object.fromEntries(said) }];
  }
}

function refuseOtherKind(value: JsonObject, kind: ImageDocument['kind'], source: string): void {
  const foreign = (kind === 'index' ? ofManifests : ofIndexes).find((key) => Object.hasOwn(value, key));
  if (foreign !== undefined) throw documentError(`${source} says that it is an image ${kind}, but has '${foreign}', as ${kind === 'index' ? 'a manifest' : 'an index'} has`, 'a document that can be read in two ways is refused (CVE-2021-41190)');
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

/** A manifest of something else: a chart, a signature, what was attested of an image. An index names such beside its images. */
export class ArtifactError extends TsrunError {
  constructor(message: string) {
    super('ERR_TSRUN_IMAGE', message, { hint: 'it is an artifact, such as a chart, a signature or a list of parts' });
  }
}

function refuseUnknownParts({ config, layers }: ImageManifest, source: string): void {
  if (!isConfigType(config.mediaType)) throw new ArtifactError(`${source} is not that of an image: its config is '${printable(config.mediaType, 100)}'`);
  const [first] = layers;
  // Signatures and attestations have an image's config, for registries that take nothing else.
  if (first !== undefined && !layers.some(({ mediaType }) => isLayerType(mediaType))) throw new ArtifactError(`${source} is not that of an image: its layers are '${printable(first.mediaType, 100)}'`);
  if (config.size > mostDocumentBytes) throw documentError(`the config in ${source} has ${config.size} bytes, at most ${mostDocumentBytes} are read`);
  layers.forEach(({ mediaType }, index) => {
    if (layerKind(mediaType) !== undefined) return;
    const hint = /\+encrypted\b/.test(mediaType) ? 'it is encrypted: decrypt it first, with skopeo copy --decryption-key' : 'layers are tar archives: plain, gzip or zstd';
    throw documentError(`layer ${index + 1} in ${source} is of the type '${printable(mediaType, 100)}', which cannot be unpacked`, hint);
  });
}
