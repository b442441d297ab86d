/** Digests as a store uses them: as names of files, of text, and of layers on top of each other. */
import { createHash } from 'node:crypto';
import { digestFrom, isDigest } from '../documents/digest.js';

/** The digits alone, which name files. A digest was checked where it came in: anything else is a mistake of ours. */
export function hexOf(digest: string): string {
  if (!isDigest(digest)) throw new RangeError('not a sha256 digest');
  return digest.slice('sha256:'.length);
}

export function digestOfText(text: string): string {
  return digestFrom(createHash('sha256').update(text));
}

/** config.md of image-spec, "Layer ChainID": of each layer, the lowest first. */
export function chainIdsOf(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOfText(`${below} ${diffId}`));
  }
  return chain;
}
