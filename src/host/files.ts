/**
 * What `node:fs/promises` does with paths. Node takes a millisecond to load that, for its file handles and streams, which the start of a
 * container has no use for: so what gives handles loads it when it is first called.
 */
import * as fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { promisify } from 'node:util';

export type { FileHandle } from 'node:fs/promises';

export const access = promisify(fs.access);
export const lstat = promisify(fs.lstat);
export const readFile = promisify(fs.readFile);
export const readdir = promisify(fs.readdir);
export const realpath = promisify(fs.realpath.native);
export const rename = promisify(fs.rename);
export const rm = promisify(fs.rm);
export const rmdir = promisify(fs.rmdir);
export const stat = promisify(fs.stat);
export const unlink = promisify(fs.unlink);
export const writeFile = promisify(fs.writeFile);

export async function open(path: string, flags?: string | number): Promise<FileHandle> {
  return (await import('node:fs/promises')).open(path, flags);
}

export async function opendir(path: string): Promise<fs.Dir> {
  return (await import('node:fs/promises')).opendir(path);
}
