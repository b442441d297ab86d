/** Which image of the store a person's words mean. */
import type { Catalog, LocatedImage } from '../../image/store/catalog.js';
import type { ImageRecord } from '../../image/store/records.js';
import { wholeName, withoutIdleTag, type RegistryReference } from '../../image/reference.js';

export interface FoundImage {
  readonly image: ImageRecord;
  /** Absent: it was not asked for by a name. */
  readonly name?: string;
}

export interface SoughtImage {
  /** As it was written; absent where registries.conf is not to complete it. */
  readonly text?: string;
  readonly reference?: RegistryReference;
  /** As `NamedPlace` has it. */
  readonly idPrefix?: string;
}

/**
 * With its record.
 *
 * @throws as `locateImage`; ERR_TSRUN_STORE for one that is damaged
 */
export async function findImage(catalog: Catalog, sought: SoughtImage): Promise<FoundImage | undefined> {
  const located = await locateImage(catalog, sought);
  const image = located === undefined ? undefined : await catalog.image(located.digest);
  return image === undefined ? undefined : { image, ...(located?.name !== undefined && { name: located.name }) };
}

/**
 * A name wins over digits. With a digest the image is the same wherever it came from.
 *
 * @throws ERR_TSRUN_IMAGE for digits that several have; ERR_TSRUN_REGISTRY for a registries.conf that cannot be understood
 */
export async function locateImage(catalog: Catalog, sought: SoughtImage): Promise<LocatedImage | undefined> {
  const { reference, idPrefix } = sought;
  if (reference !== undefined) {
    const named = (await catalog.locate({ reference: withoutIdleTag(reference) })) ?? (await locateShort(catalog, sought));
    if (named !== undefined) return named;
    if (reference.digest !== undefined && (await catalog.digests()).includes(reference.digest)) return { digest: reference.digest };
  }
  return idPrefix === undefined ? undefined : catalog.locate({ idPrefix });
}

/** Docker's completion comes first, as that is what `tsrun images` shows; registries.conf is read for what the store does not have so. */
async function locateShort(catalog: Catalog, sought: SoughtImage): Promise<LocatedImage | undefined> {
  for (const reference of await shortNames(sought)) {
    const found = await catalog.locate({ reference });
    if (found !== undefined) return found;
  }
  return undefined;
}

/** All names that decide which image `findImage` finds. */
export async function namesInStore(catalog: Catalog, sought: SoughtImage): Promise<readonly RegistryReference[]> {
  if (sought.reference === undefined) return [];
  const own = withoutIdleTag(sought.reference);
  return (await catalog.name(wholeName(own))) === undefined ? [own, ...(await shortNames(sought))] : [own];
}

async function shortNames({ text, reference }: SoughtImage): Promise<readonly RegistryReference[]> {
  if (text === undefined || reference === undefined) return [];
  const { namesOfShort } = await import('../../image/registry/short-names.js');
  return (await namesOfShort(text, reference)).map(withoutIdleTag);
}
