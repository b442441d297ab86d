/** `tsrun logs` */
import { readLog, recordedContainers, TsrunError, type LogPiece } from '../index.js';
import type { Invocation } from './invocation.js';
import { lastLines, LineWriter, splitPieces, type LinePart } from './program/log-lines.js';

export async function run(invocation: Invocation): Promise<number> {
  const { flags, positionals: [id], stdout, stderr } = invocation;
  if (id === undefined) return (await import('./app-logs.js')).showAppLogs(invocation);
  if ((flags.appName ?? flags.dyno) !== undefined) throw ofApp();
  await print(findLog(id), invocation, new LineWriter(stdout, stderr, flags.timestamps === true));
  return 0;
}

function findLog(id: string): string {
  const containers = recordedContainers();
  if (containers.inspect(id).record.extensions.log === undefined) throw noLog(id);
  return containers.statePath(id);
}

async function print(folder: string, { flags }: Invocation, writer: LineWriter): Promise<void> {
  const { follow = false, tail, sinceMs = 0 } = flags;
  const open = new Set<LogPiece['stream']>();
  let afterMs = 0;
  if (tail !== undefined) {
    const past: LinePart[] = [];
    for await (const part of splitPieces(readLog(folder), open)) {
      afterMs = part.timeMs;
      if (part.timeMs >= sinceMs) past.push(part);
    }
    for (const part of lastLines(past, tail)) await writer.write(part);
    if (!follow) return;
  }
  for await (const part of splitPieces(later(readOn(folder, follow, tail !== undefined), afterMs), open)) {
    if (part.timeMs >= sinceMs) await writer.write(part);
  }
}

/** A container that ended since its log was read, and was forgotten, prints no more. */
async function* readOn(folder: string, follow: boolean, wasThere: boolean): AsyncGenerator<LogPiece> {
  try {
    yield* readLog(folder, { follow });
  } catch (error) {
    if (!wasThere || !TsrunError.is(error) || error.code !== 'ERR_TSRUN_NOT_FOUND') throw error;
  }
}

/** Each piece has a time of its own, in nanoseconds, so it tells what was printed already, even if older files went meanwhile. */
async function* later(pieces: AsyncIterable<LogPiece>, afterMs: number): AsyncGenerator<LogPiece> {
  for await (const piece of pieces) if (piece.timeMs > afterMs) yield piece;
}

function ofApp(): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'a container is named, and an app or a dyno as well', { hint: 'tsrun logs CONTAINER, or tsrun logs --app NAME --dyno web.1' });
}

function noLog(id: string): TsrunError {
  return new TsrunError('ERR_TSRUN_STATE', `the container '${id}' keeps no log: it was started in the foreground with its output elsewhere than on a terminal`, {
    hint: 'start it with --detach or --tty, or on a terminal (in the API: log), and its output is kept',
  });
}
