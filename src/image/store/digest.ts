/** Digests: `sha256:` and 64 lower-case hexadecimal digits, as image-spec's descriptor.md has them. */
import { createHash, type Hash } from 'node:crypto';

const pattern = /^sha256:([0-9a-f]{64})$/;

export function isDigest(text: string): boolean {
  return pattern.test(text);
}

/** The digits alone, which name files. A digest was checked where it came in: anything else is a mistake of ours. */
export function hexOf(digest: string): string {
  const hex = pattern.exec(digest)?.[1];
  if (hex === undefined) throw new RangeError('not a sha256 digest');
  return hex;
}

export function digestOf(bytes: string | Uint8Array): string {
  return digestFrom(createHash('sha256').update(bytes));
}

export function digestFrom(hash: Hash): string {
  return `sha256:${hash.digest('hex')}`;
}

/** config.md of image-spec, "Layer ChainID": of each layer, the lowest first. */
export function chainIdsOf(diffIds: readonly string[]): string[] {
  const chain: string[] = [];
  for (const diffId of diffIds) {
    const below = chain.at(-1);
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`));
  }
  return chain;
}
