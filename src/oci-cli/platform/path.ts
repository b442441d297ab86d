/** `node:path`, by the library that bundlers put in its place. */
import path from 'path-browserify';

export const { basename, dirname, isAbsolute, join, normalize, relative, resolve } = path;
export const posix = path;
