import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { lastLines, LineWriter, splitPieces, type LinePart } from '../../src/cli/program/log-lines.js';
import type { LogPiece } from '../../src/index.js';

const start = Date.UTC(2026, 0, 31, 12);

function* pieces(...texts: readonly (readonly [LogPiece['stream'], string])[]): Generator<LogPiece> {
  for (const [index, [stream, content]] of texts.entries()) yield { stream, timeMs: start + index, bytes: Buffer.from(content) };
}

async function parts(...texts: readonly (readonly [LogPiece['stream'], string])[]): Promise<LinePart[]> {
  const found: LinePart[] = [];
  for await (const part of splitPieces(pieces(...texts))) found.push(part);
  return found;
}

const short = ({ stream, bytes, starts }: LinePart) => `${starts ? '' : '+'}${stream}:${bytes.toString()}`;

test('pieces are split at line ends; a line may come in several, each stream with its own', async (t) => {
  const found = await parts(['stdout', 'a\nb'], ['stderr', 'x\n'], ['stdout', 'c\n\n'], ['stdout', '']);
  t.deepEqual(found.map(short), ['stdout:a\n', 'stdout:b', 'stderr:x\n', '+stdout:c\n', 'stdout:\n']);
});

test('the last lines are counted by their beginnings', async (t) => {
  const found = await parts(['stdout', 'a\nb'], ['stdout', 'c\nd']);
  t.deepEqual(lastLines(found, 1).map(short), ['stdout:d']);
  t.deepEqual(lastLines(found, 2).map(short), ['stdout:b', '+stdout:c\n', 'stdout:d']);
  t.deepEqual(lastLines(found, 0), []);
  t.is(lastLines(found, 100).length, found.length);
});

test('times stand before lines, in RFC 3339, and nowhere else', async (t) => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const writer = new LineWriter(stdout, stderr, true);
  for (const part of await parts(['stdout', 'a\nb'], ['stdout', 'c\n'], ['stderr', 'x\n'], ['terminal', 't\n'])) await writer.write(part);
  stdout.end();
  stderr.end();
  t.is(await text(stdout), '2026-01-31T12:00:00.000Z a\n2026-01-31T12:00:00.000Z bc\n2026-01-31T12:00:00.003Z t\n');
  t.is(await text(stderr), '2026-01-31T12:00:00.002Z x\n');
});
