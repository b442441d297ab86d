/**
 * The log that the launcher keeps of a container's output: pieces with time and stream, in two files of half the size
 * each. What is read here is exactly what was printed, byte for byte, but for what was older than the size.
 */
import { watch, type FSWatcher } from 'node:fs';
import { access, open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { TsrunError } from '../spec/errors.js';
import type { ReadLogOptions } from './options/call-options.js';
import { validateLogArguments } from './options/validate-calls.js';

/** What a container has written at once, or as much of it as was read at once. */
export interface LogPiece {
  /** When the launcher read it: milliseconds since 1970, with a fraction. */
  readonly timeMs: number;
  /** `terminal` when the container has one: both streams are one there. */
  readonly stream: 'stdout' | 'stderr' | 'terminal';
  /** As they were printed; a piece may end within a character. */
  readonly bytes: Buffer;
}

/** Where one of its files begins. */
export interface LogMark {
  readonly timeMs: number;
  /** So many line feeds stood before it. */
  readonly breaksBefore: number;
}

const headerBytes = 16;
/** As much as the launcher reads at once. */
const mostPieceBytes = 65_536;
const streams = ['terminal', 'stdout', 'stderr'] as const;
/** Of a mark, which is a number of eight bytes. */
const noStream = 3;
const markBytes = 8;

/**
 * What a container with a log has printed, oldest first: pieces with time and stream. The last 1 MiB is kept, and goes by halves.
 *
 * @param folder what `Runtime.statePath` gives
 * @throws TsrunError, when it is first read from: `ERR_TSRUN_NOT_FOUND` where there is no such folder; `ERR_TSRUN_INVALID_ARGUMENT`
 *
 * @example
 * import { readLog, Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * const container = await runtime.run('./rootfs', { command: ['echo', 'hello'], log: true, autoRemove: false, stdout: 'ignore' });
 * await container.exited;
 * for await (const { stream, bytes } of readLog(runtime.statePath(container.id))) console.log(stream, bytes.toString());
 * runtime.remove(container.id);
 */
export async function* readLog(folder: string, options: ReadLogOptions = {}): AsyncGenerator<LogPiece> {
  validateLogArguments(folder, options);
  for await (const piece of readPaced(folder, options)) if ('bytes' in piece) yield piece;
}

/** Hears how the reader of a log that is written keeps up with it. */
export interface Pace {
  /** All that is there was read. */
  readonly caughtUp: () => void;
  /** There may be more. */
  readonly behind: () => void;
}

/** As `readLog`, for who has checked the arguments, with a mark before the pieces of each file. */
export async function* readPaced(folder: string, options: ReadLogOptions, pace?: Pace): AsyncGenerator<LogPiece | LogMark> {
  await checkFolder(folder);
  // The newer one first: should it be moved meanwhile, it is found to be both, and nothing between the two is passed over.
  const file = await openIfThere(join(folder, 'log'));
  yield* readOlder(folder, file === undefined ? [] : [file]);
  if (file === undefined) return;
  try {
    yield* options.follow === true ? follow(folder, file, options.signal, pace) : readPieces(file, { at: 0 });
  } finally {
    await file.close();
  }
}

/** Only at first: while a log is followed the folder goes with its container, and that is an end like any other. */
async function checkFolder(folder: string): Promise<void> {
  try {
    await access(folder);
  } catch (cause) {
    throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no folder '${folder}' to read a log in`, {
      cause,
      hint: 'give what Runtime.statePath gives; a container that has ended keeps its folder with autoRemove: false',
    });
  }
}

/** Unless it is one of those that are read anyway. */
async function* readOlder(folder: string, known: readonly FileHandle[]): AsyncGenerator<LogPiece | LogMark> {
  const file = await openIfThere(join(folder, 'log.1'));
  if (file === undefined) return;
  try {
    const isKnown = (await Promise.all(known.map(async (each) => areOne(file, each)))).includes(true);
    if (!isKnown) yield* readPieces(file, { at: 0 });
  } finally {
    await file.close();
  }
}

async function areOne(a: FileHandle, b: FileHandle): Promise<boolean> {
  const [first, second] = await Promise.all([a.stat(), b.stat()]);
  return first.ino === second.ino;
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch {
    return undefined;
  }
}

/** Whole pieces from a position on, which moves along. */
async function* readPieces(file: FileHandle, position: { at: number }): AsyncGenerator<LogPiece | LogMark> {
  for (;;) {
    const block = Buffer.allocUnsafe(headerBytes + mostPieceBytes);
    const { bytesRead } = await file.read(block, 0, block.length, position.at);
    const before = position.at;
    yield* piecesOf(block.subarray(0, bytesRead), position);
    if (position.at === before) return;
  }
}

/** Those that are whole in a block, which begins with one: small ones are many. The first file of a log has no mark of its own. */
function* piecesOf(block: Buffer, position: { at: number }): Generator<LogPiece | LogMark> {
  for (let at = 0; at + headerBytes <= block.length; ) {
    const size = block.readUInt32LE(at + 12);
    const end = at + headerBytes + size;
    if (size > mostPieceBytes || end > block.length) return;
    const timeMs = Number(block.readBigUInt64LE(at)) / 1e6;
    const stream = block.readUInt32LE(at + 8);
    const isMark = stream === noStream && size === markBytes;
    if (isMark || position.at === 0) yield { timeMs, breaksBefore: isMark ? Number(block.readBigUInt64LE(at + headerBytes)) : 0 };
    position.at += end - at;
    if (!isMark) yield { timeMs, stream: streams[stream] ?? 'stdout', bytes: block.subarray(at + headerBytes, end) };
    at = end;
  }
}

/** By inotify on the folder: new bytes, a full file that was moved away, the end of the container. */
async function* follow(folder: string, first: FileHandle, signal: AbortSignal | undefined, pace: Pace | undefined): AsyncGenerator<LogPiece | LogMark> {
  let wake: (() => void) | undefined;
  let changed = true;
  const watcher = watchIfThere(folder, () => {
    changed = true;
    pace?.behind();
    wake?.();
  });
  const stop = () => {
    changed = true;
    wake?.();
  };
  signal?.addEventListener('abort', stop, { once: true });
  let file = first;
  let position = { at: 0 };
  try {
    while (signal?.aborted !== true) {
      changed = false;
      // Asked before reading: what was printed before the end is then read after it.
      const ended = await hasEnded(folder);
      yield* readPieces(file, position);
      const next = await movedOn(folder, file);
      if (next !== undefined) {
        yield* readPieces(file, position);
        // More than one may have been filled since.
        const previous = file;
        yield* readOlder(folder, [previous, next]);
        if (previous !== first) await previous.close();
        [file, position, changed] = [next, { at: 0 }, true];
        continue;
      }
      if (ended) return;
      if (!changedNow()) {
        pace?.caughtUp();
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    watcher?.close();
    signal?.removeEventListener('abort', stop);
    if (file !== first) await file.close();
  }
  function changedNow(): boolean {
    return changed;
  }
}

/** The folder may go between two looks: then the end is found, with nothing to wait for. */
function watchIfThere(folder: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(folder, onChange);
  } catch {
    return undefined;
  }
}

/** The new current file, once the launcher has moved the one that is read out of the way. */
async function movedOn(folder: string, file: FileHandle): Promise<FileHandle | undefined> {
  const current = await openIfThere(join(folder, 'log'));
  if (current === undefined) return undefined;
  if (!(await areOne(file, current))) return current;
  await current.close();
  return undefined;
}

async function hasEnded(folder: string): Promise<boolean> {
  const exit = await openIfThere(join(folder, 'exit'));
  if (exit !== undefined) {
    await exit.close();
    return true;
  }
  const record = await openIfThere(join(folder, 'state.json'));
  await record?.close();
  return record === undefined;
}
