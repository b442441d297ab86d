/** Checksums of whole files, as Heroku has them of slugs: `SHA256:` and the digest of the archive as it lies there, compressed or not. */
import { TsrunError } from '../spec/errors.js';
import { printable } from '../spec/quote.js';

/** Upper or lower case, the algorithm as well as the digits. */
export const checksumForm = /^sha256:([\da-f]{64})$/i;

/** A file is another one than its checksum says. */
export class ChecksumError extends TsrunError {
  /** `SHA256:` and the digits that were asked for, in lower case. */
  readonly expected: string;
  /** The same of what is there. */
  readonly actual: string;

  /** @param name of the file, quoted @param digits without the algorithm */
  constructor(name: string, { expected, actual }: { readonly expected: string; readonly actual: string }) {
    super('ERR_TSRUN_IMAGE', `${name} has the checksum SHA256:${actual}, not SHA256:${expected}`, { hint: 'get it anew, or ask whoever gave you the checksum' });
    [this.expected, this.actual] = [`SHA256:${expected}`, `SHA256:${actual}`];
  }
}

/** For a folder, and for what a registry has under a name. */
export function withoutFile(reference: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `there is no checksum of '${printable(reference, 400)}': it is no file`, { field: '/checksum', hint: 'leave it out; what an image of a registry must be is said by its name: app@sha256:…' });
}
