/** Of `node:fs`, what code uses that is shared with Node; errors have Node's fields, and Go's words, which engines look for. */
import { errnoName, systemErrorName } from '../../spec/errno.js';
import { inGoWords } from '../go-words.js';
import { host, type FileStatus } from './host.js';

const mostBytes = 64 * 1024 * 1024;

export const constants = { F_OK: 0, X_OK: 1, W_OK: 2, R_OK: 4, O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_CREAT: 0o100, O_EXCL: 0o200, O_TRUNC: 0o1000, O_APPEND: 0o2000, O_NONBLOCK: 0o4000, O_DIRECTORY: 0o200000, S_IFMT: 0o170000, S_IFDIR: 0o040000 };

/** Does a call of the host's; its error becomes one of Node's. */
export function asNode<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') throw error;
    const syscall = 'syscall' in error && typeof error.syscall === 'string' ? error.syscall : '';
    const code = systemErrorName(error.errno);
    throw Object.assign(new Error(`${syscall} ${path}: ${inGoWords(code)}`), { code, errno: -error.errno, syscall, path });
  }
}

export function readFileSync(path: string, encoding: 'utf8'): string;
export function readFileSync(path: string): Uint8Array;
export function readFileSync(path: string, encoding?: 'utf8'): string | Uint8Array {
  const bytes = asNode(path, () => host.readFile(path, mostBytes));
  return encoding === undefined ? bytes : (host.decode(bytes) ?? '');
}

export function writeFileSync(path: string, data: string | Uint8Array): void {
  asNode(path, () => {
    const file = host.open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC, 0o666);
    try {
      writeWhole(file, typeof data === 'string' ? host.encode(data) : data);
    } finally {
      host.close(file);
    }
  });
}

export function writeWhole(file: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += host.write(file, bytes.subarray(at));
}

/** Unlike Node's, an error where it cannot be told: what is not looked at must not be taken for gone. */
export function existsSync(path: string): boolean {
  try {
    accessSync(path, constants.F_OK);
    return true;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(errnoName(error) ?? '')) return false;
    throw error;
  }
}

export function accessSync(path: string, mode: number): void {
  asNode(path, () => {
    host.access(path, mode);
  });
}

export function statfsSync(path: string): { readonly type: number } {
  return { type: asNode(path, () => host.fileSystemType(path)) };
}

export function statSync(path: string): FileStatus {
  return asNode(path, () => host.stat(path, true));
}

/** Of a descriptor. */
export function fstatSync(file: number): FileStatus {
  return statSync(`/proc/self/fd/${file}`);
}

export function readdirSync(path: string): string[] {
  return asNode(path, () => host.readFolder(path));
}

export function mkdirSync(path: string, options: number | { readonly mode?: number; readonly recursive?: boolean } = {}): void {
  const { mode = 0o777, recursive = false } = typeof options === 'number' ? { mode: options } : options;
  if (recursive && existsSync(path)) return;
  const above = path.slice(0, path.lastIndexOf('/'));
  if (recursive && above !== '') mkdirSync(above, options);
  try {
    asNode(path, () => {
      host.makeFolder(path, mode);
    });
  } catch (error) {
    // Another command may have been faster.
    if (!recursive || errnoName(error) !== 'EEXIST') throw error;
  }
}

export function realpathSync(path: string): string {
  return asNode(path, () => host.realPath(path));
}
