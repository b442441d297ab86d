import { systemErrorName } from '../spec/errno.js';

/** strerror(3) as Go spells it, of what paths cannot be opened, made, mounted, executed for. */
const goWords: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  ENOEXEC: 'exec format error',
  ENOTDIR: 'not a directory',
  EPERM: 'operation not permitted',
  EINVAL: 'invalid argument',
  EBUSY: 'device or resource busy',
  EAGAIN: 'resource temporarily unavailable',
  ECONNREFUSED: 'connection refused',
  EEXIST: 'file exists',
  EISDIR: 'is a directory',
  ELOOP: 'too many levels of symbolic links',
  E2BIG: 'argument list too long',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'file name too long',
  ENODEV: 'no such device',
  ENOMEM: 'cannot allocate memory',
  ENOSPC: 'no space left on device',
  ENXIO: 'no such device or address',
  ERANGE: 'numerical result out of range',
  EROFS: 'read-only file system',
  ESRCH: 'no such process',
  ETXTBSY: 'text file busy',
};

/** An errno by its number or its name. What is none stays as it is. */
export function inGoWords(errno: number | string): string {
  const name = typeof errno === 'number' ? systemErrorName(errno) : errno;
  return goWords[name] ?? name;
}
