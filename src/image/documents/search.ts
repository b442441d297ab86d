/** From a manifest or index to the image for a platform: through indexes in indexes, wherever the documents lie. */
import type { Descriptor, ImageManifest, Platform } from '../documents.js';
import { ArtifactError, readImageDocument } from './manifest.js';
import { mediaTypes } from './media-types.js';
import { candidatesForPlatform, PlatformError } from './platform.js';
import { documentError } from './shapes.js';

/** So many indexes may lead to a manifest, one in the other (image-index.md allows lists of lists); nobody nests deeper. */
const deepest = 4;
/** So many manifests and indexes that say no platform are looked into; tools write one or two. */
const mostLooked = 64;

/** A manifest or index as it was received. */
export interface RawDocument {
  readonly bytes: Buffer;
  readonly digest: string;
  /** As it was announced, by the index that names it or a registry's answer. */
  readonly mediaType: string | undefined;
  /** Names it in errors: `the manifest 'v1' of 'app'` */
  readonly label: string;
}

/** The manifest of one image. */
export interface FoundManifest {
  readonly bytes: Buffer;
  readonly descriptor: Descriptor;
  readonly manifest: ImageManifest;
}

export interface DocumentSource<Image> {
  /** Names it in errors, quoted. */
  readonly name: string;
  /** How many indexes have led to the first document. */
  readonly depth: number;
  /** What an index names, compared with what it says of it. */
  read(descriptor: Descriptor): Promise<RawDocument>;
  /** @throws PlatformError where the image is for another platform, so that the next is looked at */
  open(found: FoundManifest): Promise<Image>;
}

/**
 * The image that the first document is, or leads to. Of what says no platform the config tells it, each in its order.
 *
 * @throws PlatformError that lists the platforms that there are; ERR_TSRUN_IMAGE
 */
export async function searchImage<Image>(source: DocumentSource<Image>, first: RawDocument, wanted: Platform): Promise<Image> {
  const { name } = source;
  let looked = 0;
  const search = async ({ bytes, digest, mediaType, label }: RawDocument, depth: number): Promise<Image> => {
    const document = readImageDocument(bytes, label, mediaType);
    if (document.kind === 'manifest') {
      const { manifest } = document;
      return source.open({ bytes, descriptor: { mediaType: manifest.mediaType ?? mediaType ?? mediaTypes.manifest, digest, size: bytes.length }, manifest });
    }
    if (depth === deepest) throw documentError(`${name} has indexes in indexes deeper than ${deepest} levels`, 'no tool makes such an image');
    const { manifests } = document.index;
    const offered: Platform[] = [];
    let artifact: ArtifactError | undefined;
    for (const candidate of candidatesForPlatform(manifests, wanted, name)) {
      if (++looked > mostLooked) throw documentError(`${name} has more than ${mostLooked} manifests of which no index says the platform`);
      try {
        return await search(await source.read(candidate), depth + 1);
      } catch (error) {
        if (error instanceof ArtifactError) artifact ??= error;
        else if (error instanceof PlatformError) offered.push(...error.offered);
        else throw error;
      }
    }
    if (artifact !== undefined && offered.length === 0) throw artifact;
    throw new PlatformError([...offered, ...manifests.flatMap(({ platform }) => platform ?? [])], wanted, name);
  };
  return search(first, source.depth);
}
