/**
 * What `node:fs/promises` does with paths, loaded when it is first called: that takes a millisecond, and the start of a container in most
 * cases needs nothing of it.
 */
import type { BigIntStats, Dir, Dirent, RmOptions, Stats } from 'node:fs';
import type * as filesOfNode from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';

export type { FileHandle } from 'node:fs/promises';

let loaded: Promise<typeof filesOfNode> | undefined;

async function promises(): Promise<typeof filesOfNode> {
  loaded ??= import('node:fs/promises');
  return loaded;
}

/** With large numbers (BigInt). */
export async function largeLstat(path: string): Promise<BigIntStats> {
  return (await promises()).lstat(path, { bigint: true });
}

export async function open(path: string, flags?: string | number): Promise<FileHandle> {
  return (await promises()).open(path, flags);
}

export async function opendir(path: string): Promise<Dir> {
  return (await promises()).opendir(path);
}

export async function readFile(path: string, encoding: 'utf8'): Promise<string> {
  return (await promises()).readFile(path, encoding);
}

export async function readdir(path: string): Promise<string[]> {
  return (await promises()).readdir(path);
}

export async function readEntries(path: string): Promise<Dirent[]> {
  return (await promises()).readdir(path, { withFileTypes: true });
}

export async function realpath(path: string): Promise<string> {
  return (await promises()).realpath(path);
}

export async function rename(from: string, to: string): Promise<void> {
  return (await promises()).rename(from, to);
}

export async function rm(path: string, options: RmOptions): Promise<void> {
  return (await promises()).rm(path, options);
}

export async function rmdir(path: string): Promise<void> {
  return (await promises()).rmdir(path);
}

export async function stat(path: string): Promise<Stats> {
  return (await promises()).stat(path);
}

/** With large numbers (BigInt). */
export async function largeStat(path: string): Promise<BigIntStats> {
  return (await promises()).stat(path, { bigint: true });
}

export async function unlink(path: string): Promise<void> {
  return (await promises()).unlink(path);
}

export async function writeFile(path: string, text: string): Promise<void> {
  return (await promises()).writeFile(path, text);
}
