/** The arguments of `copyIn` and `copyOut`: nothing is done before they fit. */
import { Readable, Writable } from 'node:stream';
import { isContainerId } from '../../spec/ids.js';
import { anyOf, assertShape, boolean, callback, instanceOf, optional, strictObject, text } from '../../spec/shape.js';
import { Container } from '../container.js';
import type { CopyOptions } from '../copy/copy-options.js';

interface CopyArguments {
  readonly container: unknown;
  readonly from: unknown;
  readonly to: unknown;
}

/** A file's name holds no NUL, and a path no more than these bytes (PATH_MAX). */
const path = text('a path of at most 4095 bytes', { test: (value) => value !== '' && !value.includes('\0') && Buffer.byteLength(value) < 4096 });
const name = text('the name of a container', { test: isContainerId });
const container = anyOf(name, instanceOf(Container));

const options = strictObject<CopyOptions>({
  archive: optional(boolean),
  followLink: optional(boolean),
  signal: optional(instanceOf(AbortSignal)),
  onProgress: optional(callback<(doneBytes: number) => void>()),
});

/** Gives the container's name. @throws ERR_TSRUN_INVALID_ARGUMENT */
export function validateCopy({ container: whose, from: source, to: destination }: CopyArguments, given: unknown, direction: 'in' | 'out'): string {
  const shape = direction === 'in'
    ? strictObject<{ readonly container: string | Container; readonly source: string | Readable; readonly destination: string }>({ container, source: anyOf(path, instanceOf(Readable)), destination: path })
    : strictObject<{ readonly container: string | Container; readonly source: string; readonly destination: string | Writable }>({ container, source: path, destination: anyOf(path, instanceOf(Writable)) });
  const value: unknown = { container: whose, source, destination };
  assertShape<{ readonly container: string | Container }>(shape, value, 'ERR_TSRUN_INVALID_ARGUMENT', 'argument');
  assertShape(options, given, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
  return typeof value.container === 'string' ? value.container : value.container.id;
}
