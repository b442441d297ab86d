/** The name of the errno that a Node file system call failed with, e.g. `EBUSY`. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'unknown error';
}
