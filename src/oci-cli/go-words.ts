/** strerror(3) as Go spells it, of what programs cannot be executed for. */
export const goWords: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  ENOEXEC: 'exec format error',
  ENOTDIR: 'not a directory',
  EPERM: 'operation not permitted',
  EINVAL: 'invalid argument',
  EBUSY: 'device or resource busy',
};
