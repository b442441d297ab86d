/** An OCI bundle: config.json, and the folder that it names as root. */

import { constants } from 'node:fs';
import { isAbsolute, join, resolve } from 'node:path';
import { open, realpath, stat } from '../host/files.js';
import { isBind } from '../spec/bind.js';
import { errnoName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';
import { parseJsonBytes } from '../spec/json.js';
import { printable } from '../spec/quote.js';
import type { Mount, Spec } from '../spec/types.js';
import { validateSpec } from '../spec/validate.js';

/** As large as the JSON reader takes. */
const mostConfigBytes = 4 * 1024 * 1024;

export interface Bundle {
  readonly rootPath: string;
  readonly spec: Spec;
}

/** @throws ERR_TSRUN_IMAGE, ERR_TSRUN_INVALID_SPEC */
export async function readBundle(folder: string, name: string): Promise<Bundle> {
  const source = `${printable(name)}/config.json`;
  const spec = validateSpec(parseJsonBytes(await readConfig(join(folder, 'config.json')), source));
  const rootPath = await rootOf(folder, name, spec.root?.path ?? '');
  return { rootPath, spec: { ...spec, ...(spec.mounts !== undefined && { mounts: spec.mounts.map((mount) => absolute(mount, folder)) }) } };
}

/** Not blocked by a FIFO, and bounded even if the file grows while it is read. */
async function readConfig(path: string): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((cause: unknown) => {
    const errno = errnoName(cause) ?? String(cause);
    if (errno === 'ENOENT') throw bundleError(`'${printable(path, 400)}' does not exist`, 'a bundle has a config.json beside its root folder', cause);
    throw bundleError(`'${printable(path, 400)}' cannot be read: ${errno}`, 'check its permissions', cause);
  });
  try {
    const status = await file.stat();
    if (!status.isFile()) throw bundleError(`'${printable(path, 400)}' is not a regular file`, 'a bundle has a config.json beside its root folder');
    const buffer = Buffer.alloc(Math.min(status.size, mostConfigBytes) + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(buffer, length, buffer.length - length, length);
      length += bytesRead;
      if (bytesRead === 0 || length === buffer.length) break;
    }
    if (length <= status.size && length <= mostConfigBytes) return buffer.subarray(0, length);
    throw bundleError(`'${printable(path, 400)}' is larger than ${mostConfigBytes} bytes, or grows while it is read`, 'a config.json has a few kilobytes');
  } finally {
    await file.close();
  }
}

async function rootOf(folder: string, name: string, root: string): Promise<string> {
  const path = resolve(folder, root);
  const shown = printable(root, 400);
  try {
    const real = await realpath(path);
    if ((await stat(real)).isDirectory()) return real;
  } catch (cause) {
    const missing = errnoName(cause) === 'ENOENT';
    const what = missing ? 'does not exist' : `cannot be opened: ${errnoName(cause) ?? String(cause)}`;
    throw bundleError(`the root '${shown}' of bundle '${printable(name)}' ${what}`, missing ? 'put the unpacked files of the image there, or change root.path' : 'check its permissions', cause);
  }
  throw bundleError(`the root '${shown}' of bundle '${printable(name)}' is not a folder`, 'root.path names the folder of an unpacked root file system');
}

/** config.md, "Mounts": a relative source of a bind is relative to the bundle. */
function absolute(mount: Mount, folder: string): Mount {
  const { source } = mount;
  return isBind(mount) && source !== undefined && !isAbsolute(source) ? { ...mount, source: resolve(folder, source) } : mount;
}

function bundleError(message: string, hint: string, cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_IMAGE', message, { hint, cause });
}
