/** What a store keeps of images, layers, names and places, beside their bytes. */
import { array, boolean, integer, optional, record, strictObject, text, type Shape } from '../../spec/shape.js';
import { isDigest } from '../documents/digest.js';
import type { Descriptor, Platform } from '../documents.js';

/** One layer as it lies unpacked. */
export interface LayerRecord {
  readonly version: 1;
  readonly diffId: string;
  /** What it was unpacked from, and the same in other packings; not known of those of a store that is older. */
  readonly blobDigests?: readonly string[];
  readonly unpackedBytes: number;
  readonly entries: number;
  /** Of owners and groups, where one is more than the 65,536 ids hold that a container usually has. */
  readonly highestId?: number;
  /** Unpacked alone it is right only as the lowest. */
  readonly dependsOnLower: boolean;
}

export interface ImageLayerRecord {
  readonly descriptor: Descriptor;
  readonly diffId: string;
  /** Where it lies unpacked: its diff id, or its chain id. */
  readonly key: string;
  readonly unpackedBytes: number;
  readonly entries: number;
  /** As in its layer's record. */
  readonly highestId?: number;
}

export interface ImageRecord {
  readonly version: 1;
  readonly manifest: Descriptor;
  readonly config: Descriptor;
  readonly platform: Platform;
  readonly created?: string;
  /** The lowest first. */
  readonly layers: readonly ImageLayerRecord[];
  readonly importedAtMs: number;
}

export interface NameRecord {
  readonly name: string;
  readonly digest: string;
}

/** A file or folder that was imported, as it was then. */
export interface PlaceRecord {
  readonly place: string;
  readonly identity: string;
  readonly digests: readonly string[];
}

export interface UserRecord {
  readonly stateRoot: string;
}

const digest = text('a digest', { test: isDigest });
const count = integer(0, Number.MAX_SAFE_INTEGER);
const one: Shape<1> = { expects: '1', check: (value, at, faults) => { if (value !== 1) faults.expected(at, '1', value); } };

const platform = strictObject<Platform>({ os: text(), architecture: text(), variant: optional(text()) });

const descriptor = strictObject<Descriptor>({
  mediaType: text(),
  digest,
  size: count,
  platform: optional(platform),
  annotations: optional(record(text())),
});

export const layerShape = strictObject<LayerRecord>({ version: one, diffId: digest, blobDigests: optional(array(digest)), unpackedBytes: count, entries: count, highestId: optional(count), dependsOnLower: boolean });

export const imageShape = strictObject<ImageRecord>({
  version: one,
  manifest: descriptor,
  config: descriptor,
  platform,
  created: optional(text()),
  layers: array(strictObject<ImageLayerRecord>({ descriptor, diffId: digest, key: digest, unpackedBytes: count, entries: count, highestId: optional(count) })),
  importedAtMs: count,
});

export const nameShape = strictObject<NameRecord>({ name: text(), digest });
export const placeShape = strictObject<PlaceRecord>({ place: text(), identity: text(), digests: array(digest) });
export const userShape = strictObject<UserRecord>({ stateRoot: text() });
