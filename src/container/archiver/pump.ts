/** What goes into a program, from streams and from pieces. */
import { Readable, type Writable } from 'node:stream';
import { finished } from 'node:stream/promises';

/** Undefined where there is nothing to be pumped. @param kill ends who reads, when the source fails: then its error is thrown */
export function pumpInto(sink: Writable | null, source: number | Readable | AsyncIterable<Buffer> | undefined, kill: () => void): Promise<void> | undefined {
  if (source instanceof Readable) return pump(source, sink, kill);
  return typeof source === 'object' ? pumpPieces(source, sink, kill) : undefined;
}

/** A source that fails has its error thrown; a program that reads no more has said why. */
async function pump(source: Readable, sink: Writable | null, kill: () => void): Promise<void> {
  if (sink === null) {
    source.destroy();
    return;
  }
  let failure: { readonly error: unknown } | undefined;
  // Also of one that failed before, or is closed before its end.
  finished(source, { writable: false }).catch((error: unknown) => {
    failure = { error };
    kill();
  });
  source.pipe(sink);
  await finished(sink).catch(() => undefined);
  const failed = failure;
  source.destroy();
  if (failed !== undefined) throw failed.error;
}

/** The same, where a piece is valid until the next is asked for: one at a time. */
async function pumpPieces(source: AsyncIterable<Buffer>, sink: Writable | null, kill: () => void): Promise<void> {
  if (sink === null) return;
  const pieces = source[Symbol.asyncIterator]();
  const closed = finished(sink).catch(() => undefined);
  try {
    for (let piece = await nextPiece(pieces, sink); piece !== undefined; piece = await nextPiece(pieces, sink)) await written(sink, piece);
    sink.end();
    await closed;
  } catch (error) {
    kill();
    throw error;
  } finally {
    pieces.return?.().catch(() => undefined);
  }
}

/** Undefined at the end, and where nobody would read it: a source that has nothing yet is not waited for then. */
async function nextPiece(pieces: AsyncIterator<Buffer>, sink: Writable): Promise<Buffer | undefined> {
  if (sink.closed) return undefined;
  return new Promise((resolve, reject) => {
    const onClose = () => { resolve(undefined); };
    sink.once('close', onClose);
    pieces.next().then(({ done, value }) => { resolve(done === true ? undefined : value); }, reject).finally(() => sink.off('close', onClose));
  });
}

/** Or lost, where the program reads no more: it says why. */
async function written(sink: Writable, piece: Buffer): Promise<void> {
  return new Promise((resolve) => {
    sink.write(piece, () => { resolve(); });
  });
}
