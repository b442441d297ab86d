/** Which images a store has, by digest and by name, and which places they came from. */
import { readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import type { NamedPlace } from '../recognise.js';
import { wholeName } from '../reference.js';
import { readChecked, readIfWhole } from './checked-files.js';
import { isDigest } from '../documents/digest.js';
import { storeError } from './faults.js';
import type { StoreLayout } from './layout.js';
import { imageShape, nameShape, placeShape, userShape, type ImageRecord, type NameRecord, type PlaceRecord, type UserRecord } from './records.js';
import type { Shape } from '../../spec/shape.js';

/** An image of the store, whose record may be damaged. */
export interface LocatedImage {
  readonly digest: string;
  /** Absent: it was not asked for by a name. */
  readonly name?: string;
}

export class Catalog {
  readonly #layout: StoreLayout;

  constructor(layout: StoreLayout) {
    this.#layout = layout;
  }

  /** Undefined where there is none. @throws ERR_TSRUN_STORE for one that is damaged */
  async image(digest: string): Promise<ImageRecord | undefined> {
    return readChecked(this.#layout.image(digest), imageShape);
  }

  /** Undefined also for one that is damaged, for who can fetch it again. */
  async imageIfWhole(digest: string): Promise<ImageRecord | undefined> {
    return readIfWhole(this.#layout.image(digest), imageShape);
  }

  /** Without those whose files are damaged; `digests` names these too. The latest first. */
  async images(): Promise<ImageRecord[]> {
    const records = await readAll(this.#layout.images, imageShape);
    return records.sort((one, other) => other.importedAtMs - one.importedAtMs || inOrder(one.manifest.digest, other.manifest.digest));
  }

  async digests(): Promise<string[]> {
    const names = await readdir(this.#layout.images).catch(async (cause: unknown) => { throw await storeError(this.#layout.images, cause); });
    return names.map((name) => `sha256:${name.replace(/\.json$/, '')}`).filter(isDigest);
  }

  /** Of those whose files are damaged. */
  async damaged(): Promise<string[]> {
    const all = await Promise.all((await this.digests()).map(async (digest) => ({ digest, image: await this.imageIfWhole(digest) })));
    return all.filter(({ image }) => image === undefined).map(({ digest }) => digest);
  }

  async name(name: string): Promise<NameRecord | undefined> {
    const record = await readIfWhole(this.#layout.name(name), nameShape);
    return record?.name === name ? record : undefined;
  }

  async names(): Promise<NameRecord[]> {
    const records = await readAll(this.#layout.names, nameShape);
    return records.sort((one, other) => inOrder(one.name, other.name));
  }

  async removeName(name: string): Promise<void> {
    await removeFile(this.#layout.name(name));
  }

  async removeImage(digest: string): Promise<void> {
    await removeFile(this.#layout.image(digest));
  }

  async place(place: string): Promise<PlaceRecord | undefined> {
    const record = await readIfWhole(this.#layout.file(place), placeShape);
    return record?.place === place ? record : undefined;
  }

  async places(): Promise<PlaceRecord[]> {
    return readAll(this.#layout.files, placeShape);
  }

  async removePlace(place: string): Promise<void> {
    await removeFile(this.#layout.file(place));
  }

  async users(): Promise<UserRecord[]> {
    return readAll(this.#layout.users, userShape);
  }

  async removeUser(stateRoot: string): Promise<void> {
    await removeFile(this.#layout.user(stateRoot));
  }

  /**
   * By name, by digest (of manifest or config), or by the first digits of one that no other has. A name wins. Of one whose record is
   * damaged the digest of the config is not known.
   *
   * @throws ERR_TSRUN_IMAGE for digits that several have
   */
  async locate({ reference, idPrefix }: Pick<NamedPlace, 'reference' | 'idPrefix'>): Promise<LocatedImage | undefined> {
    const named = reference === undefined ? undefined : await this.name(wholeName(reference));
    if (named !== undefined) return { digest: named.digest, name: named.name };
    return idPrefix === undefined ? undefined : this.#byDigits(idPrefix);
  }

  async #byDigits(digits: string): Promise<LocatedImage | undefined> {
    const isMeant = (digest: string) => digest.startsWith(`sha256:${digits}`);
    const matching = (await this.images()).filter(({ manifest, config }) => isMeant(manifest.digest) || isMeant(config.digest));
    const [first, ...others] = matching.length > 0 ? matching.map(({ manifest }) => manifest.digest) : (await this.damaged()).filter(isMeant);
    if (others.length === 0) return first === undefined ? undefined : { digest: first };
    throw new TsrunError('ERR_TSRUN_IMAGE', `${show(digits)} is the beginning of ${others.length + 1} images' digests`, { hint: 'give more digits, or the name' });
  }
}

/** By code units: the first comparison by a locale's rules loads them, for 5 to 10 ms. */
function inOrder(one: string, other: string): number {
  return one < other ? -1 : 1;
}

async function readAll<T>(folder: string, shape: Shape<T>): Promise<T[]> {
  const names = await readdir(folder).catch(async (cause: unknown) => { throw await storeError(folder, cause); });
  const records = await Promise.all(names.map(async (name) => readIfWhole(join(folder, name), shape)));
  return records.filter((record) => record !== undefined);
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (cause) {
    if (errnoName(cause) !== 'ENOENT') throw await storeError(path, cause);
  }
}
