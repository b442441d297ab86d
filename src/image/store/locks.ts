/**
 * Locks between processes, by flock(2): the kernel lets go of them when their process ends, however it does. A lock's file is removed
 * by who held it, so that who waited for it looks whether it is still there.
 */
import { closeSync, constants, openSync } from 'node:fs';
import { open, stat, unlink, type FileHandle } from 'node:fs/promises';
import { Socket } from 'node:net';
import { join } from 'node:path';
import type { Addon } from '../../engine/addon.js';
import { errnoName, systemErrorName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { aborted, checkAborted, storeError } from './faults.js';

export type LockCalls = Pick<Addon, 'tryLock' | 'awaitLock'>;

export interface Lock {
  /** Never fails, and may be called again. */
  release(): Promise<void>;
}

interface Wanted {
  readonly exclusive: boolean;
  readonly signal?: AbortSignal | undefined;
}

const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

export class Locks {
  readonly #folder: string;
  readonly #calls: LockCalls;

  constructor(folder: string, calls: LockCalls) {
    this.#folder = folder;
    this.#calls = calls;
  }

  /** @throws ERR_TSRUN_ABORTED, ERR_TSRUN_STORE */
  async exclusive(name: string, signal?: AbortSignal): Promise<Lock> {
    const path = join(this.#folder, name);
    return this.#take(path, { exclusive: true, signal });
  }

  /** Its file stays: many hold it. */
  async shared(name: string, signal?: AbortSignal): Promise<Lock> {
    return this.#take(join(this.#folder, name), { exclusive: false, signal });
  }

  /** For a lock whose file others hold shared. */
  async exclusiveOfShared(name: string, signal?: AbortSignal): Promise<Lock> {
    return this.#take(join(this.#folder, name), { exclusive: true, signal }, true);
  }

  /** Without waiting, neither for the lock nor for the disk: undefined when it cannot be had that way. */
  tryShared(name: string): (() => void) | undefined {
    const fd = openAtOnce(join(this.#folder, name));
    if (fd === undefined) return undefined;
    if (this.#tryOrClose(fd)) return onceOnly(() => { closeSync(fd); });
    return undefined;
  }

  /** Undefined when somebody has it. */
  async tryExclusive(name: string): Promise<Lock | undefined> {
    const path = join(this.#folder, name);
    const file = await this.#open(path);
    try {
      if (this.#calls.tryLock(file.fd, true) && (await isStillAt(path, file))) return lockOf(file, path);
    } catch (cause) {
      await file.close();
      throw await storeError(path, cause);
    }
    await file.close();
    return undefined;
  }

  #tryOrClose(fd: number): boolean {
    let got = false;
    try {
      got = this.#calls.tryLock(fd, false);
      return got;
    } finally {
      if (!got) closeSync(fd);
    }
  }

  async #take(path: string, wanted: Wanted, stays = !wanted.exclusive): Promise<Lock> {
    for (;;) {
      checkAborted(wanted.signal);
      const file = wanted.exclusive ? await this.#open(path) : await this.#openShared(path);
      // Nobody who sees the store as it is seen here could lock it.
      if (file === undefined) return { release: () => Promise.resolve() };
      try {
        await this.#lock(file.fd, wanted);
        if (await isStillAt(path, file)) return lockOf(file, stays ? undefined : path);
      } catch (cause) {
        await file.close();
        throw await storeError(path, cause);
      }
      await file.close();
    }
  }

  async #open(path: string): Promise<FileHandle> {
    return open(path, flags, 0o600).catch(async (cause: unknown) => { throw await storeError(path, cause); });
  }

  /** To be locked shared, a file need not be written to: who only looks may have a store that is mounted read-only. Undefined where that has no such file. */
  async #openShared(path: string): Promise<FileHandle | undefined> {
    try {
      return await open(path, flags, 0o600);
    } catch (cause) {
      if (errnoName(cause) !== 'EROFS') throw await storeError(path, cause);
    }
    try {
      return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    } catch (cause) {
      if (errnoName(cause) === 'ENOENT') return undefined;
      throw await storeError(path, cause);
    }
  }

  async #lock(fd: number, { exclusive, signal }: Wanted): Promise<void> {
    if (this.#calls.tryLock(fd, exclusive)) return;
    checkAborted(signal);
    const answer = new Socket({ fd: this.#calls.awaitLock(fd, exclusive) });
    // The thread that waits gets the lock all the same, and lets go of it: the file is closed here by then.
    const onAbort = () => { answer.destroy(); };
    signal?.addEventListener('abort', onAbort, { once: true });
    try {
      const errno = await firstByte(answer);
      if (signal?.aborted === true) throw aborted(signal);
      if (errno !== 0) throw new TsrunError('ERR_TSRUN_STORE', `a lock of the image store cannot be waited for: flock: ${errno === undefined ? 'no answer' : systemErrorName(errno)}`);
    } finally {
      signal?.removeEventListener('abort', onAbort);
      answer.destroy();
    }
  }
}

function openAtOnce(path: string): number | undefined {
  for (const access of [constants.O_RDWR, constants.O_RDONLY]) {
    try {
      return openSync(path, access | constants.O_NOFOLLOW);
    } catch (cause) {
      if (errnoName(cause) !== 'EROFS') return undefined;
    }
  }
  return undefined;
}

function firstByte(socket: Socket): Promise<number | undefined> {
  return new Promise((resolve) => {
    socket.once('data', (chunk: Buffer) => { resolve(chunk[0]); });
    socket.once('error', () => { resolve(undefined); });
    socket.once('close', () => { resolve(undefined); });
  });
}

/** Nobody has removed it, and perhaps made another one. */
export async function isStillAt(path: string, file: FileHandle): Promise<boolean> {
  const [held, there] = await Promise.all([file.stat({ bigint: true }), stat(path, { bigint: true }).catch(unlessMissing)]);
  return held.ino === there?.ino && held.dev === there.dev;
}

function unlessMissing(error: unknown): undefined {
  if (errnoName(error) !== 'ENOENT') throw error;
}

function lockOf(file: FileHandle, toRemove: string | undefined): Lock {
  let released: Promise<void> | undefined;
  const release = async () => {
    if (toRemove !== undefined) await unlink(toRemove).catch(() => undefined);
    await file.close().catch(() => undefined);
  };
  return { release: () => (released ??= release()) };
}

function onceOnly(action: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    action();
  };
}
