/** Digests as image-spec writes them (descriptor.md, "Digests"). Of the registered algorithms tsrun takes sha256, as all registries do. */
import { createHash, type Hash } from 'node:crypto';
import { printable } from '../../spec/quote.js';

const sha256 = /^sha256:[\da-f]{64}$/;

/** Is it `sha256:` and 64 lower-case hexadecimal digits? */
export function isDigest(text: string): boolean {
  return sha256.test(text);
}

/** Why a text is not a digest that tsrun takes; undefined when it is one. */
export function digestFault(text: string): string | undefined {
  if (isDigest(text)) return undefined;
  const [, algorithm] = /^([a-z\d]+(?:[+._-][a-z\d]+)*):[\w=-]+$/.exec(text) ?? [];
  if (algorithm !== undefined && algorithm !== 'sha256') return `digests of the algorithm ${printable(algorithm)} are not supported, sha256 is`;
  return `a digest is sha256: and 64 lower-case hexadecimal digits, not '${printable(text)}'`;
}

/** `sha256:…` of bytes. */
export function digestOf(bytes: Uint8Array): string {
  return digestFrom(createHash('sha256').update(bytes));
}

/** Of what a sha256 hash has been given; it takes no more then. */
export function digestFrom(hash: Hash): string {
  return `sha256:${hash.digest('hex')}`;
}
