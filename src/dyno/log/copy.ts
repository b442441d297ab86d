/** What a program prints, as lines. */
import type { Readable } from 'node:stream';
import { LineFramer } from './framing.js';

/** Resolves when there will be no more. */
export async function copyLines(stream: Readable | null, say: (messages: readonly string[]) => void): Promise<void> {
  if (stream === null) return;
  const framer = new LineFramer();
  stream.on('data', (piece: Buffer) => {
    say(framer.push(piece));
    // libuv would go on with two megabytes before anybody else had a turn.
    stream.pause();
    setImmediate(() => stream.resume());
  });
  await new Promise<void>((resolve) => stream.once('close', resolve));
  say(framer.end());
}
