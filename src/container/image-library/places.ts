/** Local files and folders that hold images: the same one is not read twice. */
import { existsSync } from 'node:fs';
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalSource } from '../../image/sources/open-source.js';

/** What changes when an image that lies in a folder does: its documents name everything else by digest. */
const documents = ['index.json', 'oci-layout', 'manifest.json', 'version'];

export interface Place {
  /** All that decides what is made of it. */
  readonly place: string;
  /** Of the bytes: device, inode, size and times. */
  readonly identity: string;
}

/** Undefined for what cannot be looked at: whoever reads it says why. */
export async function placeOf({ form, path }: LocalSource, name: string | undefined, platform: string): Promise<Place | undefined> {
  try {
    const real = await realpath(path);
    const status = await stat(real);
    const looked = status.isDirectory() ? [real, ...documents.map((each) => join(real, each))] : [real];
    const identities = await Promise.all(looked.map(identityOf));
    return { place: JSON.stringify([form, real, name ?? '', platform]), identity: identities.join(' ') };
  } catch {
    return undefined;
  }
}

/** Those of them that are there. */
export function filesOfPlace({ path }: LocalSource): string[] {
  return [path, ...documents.map((each) => join(path, each)).filter((each) => existsSync(each))];
}

async function identityOf(path: string): Promise<string> {
  const status = await stat(path, { bigint: true }).catch(() => undefined);
  return status === undefined ? '-' : `${status.dev}:${status.ino}:${status.size}:${status.mtimeNs}:${status.ctimeNs}`;
}
