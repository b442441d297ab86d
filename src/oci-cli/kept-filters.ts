/**
 * Compiled seccomp filters, below the state root: engines give each container the same profile, and describing and compiling it takes a quarter of `create`. Who
 * may write there may write records as well (docs/adr/0011-kept-filters.md).
 */
import { systemReader } from '../host/reader.js';
import { jsonText } from './json-text.js';
import { constants, mkdirSync, readdirSync, writeWhole } from './platform/fs.js';
import { host } from './platform/host.js';

/** Somebody who tries many profiles must not fill the memory that the state root lies in. */
const mostFilters = 16;
const instructionBytes = 8;

/** All that a filter comes from: the profile and what is said of it, this program, and for good measure the boot. */
export function filterKey(profile: readonly unknown[]): string {
  const { dev, ino, ctimeUs } = host.stat('/proc/self/exe', true);
  return jsonText([systemReader.read('/proc/sys/kernel/random/boot_id'), dev, ino, ctimeUs, ...profile]);
}

/** Undefined where none was kept for just this key. */
export function keptFilter(root: string, key: string): Uint8Array | undefined {
  const folder = folderOf(root);
  if (!isOwn(folder)) return undefined;
  const bytes = systemReader.readBytes(pathOf(folder, key));
  const end = bytes?.indexOf(0) ?? -1;
  if (bytes === undefined || end < 0 || host.decode(bytes.subarray(0, end)) !== key) return undefined;
  const filter = bytes.subarray(end + 1);
  return filter.length > 0 && filter.length % instructionBytes === 0 ? filter : undefined;
}

export function keepFilter(root: string, key: string, filter: Uint8Array): void {
  try {
    keep(folderOf(root), key, filter);
  } catch {
    // Without room for it the next command compiles it again.
  }
}

/** Whole or not at all: the key, a NUL, which no JSON holds, and the filter. */
function keep(folder: string, key: string, filter: Uint8Array): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if (!isOwn(folder)) return;
  makeRoom(folder);
  const path = pathOf(folder, key);
  const draft = `${path}.${host.ids().pid}`;
  const file = host.open(draft, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  try {
    writeWhole(file, Buffer.concat([host.encode(`${key}\0`), filter]));
    host.rename(draft, path);
  } catch (error) {
    host.unlink(draft);
    throw error;
  } finally {
    host.close(file);
  }
}

/** Those of other programs, and what was left by who was killed, go with the rest. */
function makeRoom(folder: string): void {
  const names = readdirSync(folder);
  if (names.length >= mostFilters) for (const name of names) host.unlink(`${folder}/${name}`);
}

/** A root that others may write to could hold filters of theirs. */
function isOwn(folder: string): boolean {
  try {
    const { mode, uid } = host.stat(folder, false);
    return (mode & constants.S_IFMT) === constants.S_IFDIR && uid === host.ids().uid && (mode & 0o077) === 0;
  } catch {
    return false;
  }
}

function folderOf(root: string): string {
  return `${root}/.filters`;
}

function pathOf(folder: string, key: string): string {
  return `${folder}/${host.nameOf(key)}`;
}
