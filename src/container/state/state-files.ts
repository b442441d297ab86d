/**
 * Files of a container in the state root. Whatever lies there under their names (a folder, a FIFO, gigabytes of nothing) is a damaged
 * record of that one container, and must neither stop nor delay a command that is about others.
 */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { parseJson } from '../../spec/json.js';

/** Many times what the largest spec needs. */
const mostBytes = 16 * 1024 * 1024;

/** Nothing is waited for, which only a FIFO or a device would have us do, and no link is followed: the launcher makes none. */
const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW | constants.O_NOCTTY;

/** What open(2) says of what is no regular file: of a link, and of a socket or a device without a driver. */
const notRegular: ReadonlySet<string> = new Set(['ELOOP', 'ENXIO', 'ENODEV']);

/**
 * Undefined when it is not there. Whatever else keeps it from being read, such as a want of descriptors, says nothing of whether it is
 * there, or whole.
 *
 * @throws ERR_TSRUN_STATE for what no launcher has written
 */
export function readStateFile(path: string, id: string): Buffer | undefined {
  const fd = open(path, id);
  if (fd === undefined) return undefined;
  try {
    const status = fstatSync(fd);
    if (!status.isFile() || status.size > mostBytes) throw damaged(id);
    return readWhole(fd, status.size);
  } finally {
    closeSync(fd);
  }
}

function open(path: string, id: string): number | undefined {
  try {
    return openSync(path, flags);
  } catch (cause) {
    const errno = errnoName(cause) ?? '';
    if (errno === 'ENOENT' || errno === 'ENOTDIR') return undefined;
    throw notRegular.has(errno) ? damaged(id, cause) : cause;
  }
}

function readWhole(fd: number, size: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  let used = 0;
  while (used < size) {
    const count = readSync(fd, bytes, used, size - used, null);
    if (count === 0) break;
    used += count;
  }
  return bytes.subarray(0, used);
}

export function parseRecord(text: string, path: string, id: string): unknown {
  try {
    return parseJson(text, path);
  } catch (cause) {
    throw damaged(id, cause);
  }
}

/** As the kernel counts (PID_MAX_LIMIT of proc(5) is below that many digits). */
export function parsePid(text: string, id: string): number {
  if (!/^[1-9]\d{0,9}\n?$/.test(text)) throw damaged(id);
  return Number(text);
}

function damaged(id: string, cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_STATE', `the record of the container '${id}' is damaged`, { cause, hint: `tsrun rm -f ${id} ends what runs under that name, and removes it` });
}
