/**
 * Small files of a store: JSON with its own digest, so that a byte that a disk has changed is not taken for what was written. Written
 * beside, synced, and renamed into place.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { open, readdir, rename, rm, unlink, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errnoName } from '../../spec/errno.js';
import type { TsrunError } from '../../spec/errors.js';
import { assertShape, type Shape } from '../../spec/shape.js';
import { digestOfText, hexOf } from './digest.js';
import { damaged, storeError } from './faults.js';
import type { StoreLayout } from './layout.js';
import type { LockCalls } from './locks.js';

const mostBytes = 8 * 1024 * 1024;
const head = /^\{"sha256":"([0-9a-f]{64})","value":/;
const tail = '}\n';
const prefix = 'file-';
const mostTries = 16;

/** Undefined when there is none. @throws ERR_TSRUN_STORE when it is damaged or cannot be read */
export async function readChecked<T>(path: string, shape: Shape<T>): Promise<T | undefined> {
  const found = await look(path, shape);
  if (found?.damage !== undefined) throw found.damage;
  return found?.value;
}

/** One that is damaged counts as absent, for who can make it anew. @throws ERR_TSRUN_STORE when it cannot be read */
export async function readIfWhole<T>(path: string, shape: Shape<T>): Promise<T | undefined> {
  return (await look(path, shape))?.value;
}

type Found<T> = { readonly value: T; readonly damage?: never } | { readonly value?: never; readonly damage: TsrunError };

async function look<T>(path: string, shape: Shape<T>): Promise<Found<T> | undefined> {
  const text = await readText(path);
  if (text === undefined) return undefined;
  const [start = '', hex] = head.exec(text) ?? [];
  const body = text.slice(start.length, -tail.length);
  if (hex === undefined || !text.endsWith(tail) || hexOf(digestOfText(body)) !== hex) return { damage: damaged(path, 'it is not what was written') };
  const value: unknown = JSON.parse(body);
  try {
    assertShape(shape, value, 'ERR_TSRUN_STORE', 'file');
  } catch (cause) {
    return { damage: damaged(path, 'it was written by another version', cause) };
  }
  return { value };
}

async function readText(path: string): Promise<string | undefined> {
  let file: FileHandle;
  try {
    file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    if (errnoName(cause) === 'ENOENT') return undefined;
    throw await storeError(path, cause);
  }
  try {
    const status = await file.stat();
    // What is not of the store is as damaged as can be.
    return status.isFile() && status.size <= mostBytes ? await file.readFile('utf8') : '';
  } catch (cause) {
    throw await storeError(path, cause);
  } finally {
    await file.close();
  }
}

/** @throws ERR_TSRUN_STORE */
export async function writeChecked(layout: StoreLayout, calls: LockCalls, path: string, value: object): Promise<void> {
  try {
    const content = contentOf(value);
    for (let tries = 0; !(await tryWrite(layout, calls, path, content, tries === mostTries)); tries++);
    await syncFolder(dirname(path));
  } catch (cause) {
    throw await storeError(path, cause);
  }
}

/** For a folder that nobody has seen yet. */
export async function writeUnseen(path: string, value: object): Promise<void> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(contentOf(value));
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw await storeError(path, cause);
  }
}

function contentOf(value: object): string {
  const body = JSON.stringify(value);
  return `{"sha256":"${hexOf(digestOfText(body))}","value":${body}${tail}`;
}

/** Its writer holds a lock on the file itself: what has none was left by a process that was killed (`removeLeftFiles`). */
async function tryWrite(layout: StoreLayout, calls: LockCalls, path: string, content: string, isLast: boolean): Promise<boolean> {
  const temporary = layout.temporary(`${prefix}${randomBytes(8).toString('hex')}`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    if (!calls.tryLock(file.fd, true)) return false;
    await file.writeFile(content);
    await file.sync();
    await rename(temporary, path);
    return true;
  } catch (cause) {
    // Between making and locking it, it was taken for one that was left.
    if (errnoName(cause) === 'ENOENT' && !isLast) return false;
    await unlink(temporary).catch(() => undefined);
    throw cause;
  } finally {
    await file.close();
  }
}

/** Files that lock themselves, and whose lock nobody has any more. @param prefixes of other names than those of small files */
export async function removeLeftFiles(layout: StoreLayout, calls: LockCalls, ...prefixes: readonly string[]): Promise<void> {
  const names = (await readdir(layout.temporaries)).filter((name) => [prefix, ...prefixes].some((each) => name.startsWith(each)));
  for (const name of names) {
    const path = layout.temporary(name);
    const file = await open(path, constants.O_RDWR | constants.O_NOFOLLOW).catch(() => undefined);
    if (file === undefined) continue;
    try {
      if (calls.tryLock(file.fd, true)) await rm(path, { force: true });
    } finally {
      await file.close();
    }
  }
}

/** A rename outlives a loss of power once its folder is synced (fsync(2)). */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
