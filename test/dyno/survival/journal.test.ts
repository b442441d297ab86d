import { appendFileSync, statSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { LogMark, LogPiece } from '../../../src/container/log.js';
import { linesOf, Unread, type Gap, type TimedLine } from '../../../src/dyno/survival/container-lines.js';
import { Journal } from '../../../src/dyno/survival/journal.js';
import { FakeClock } from '../fake-clock.js';
import { scratchFolder } from './scratch-folder.js';

const line = (message: string, timeMs: number, dyno = 'web.1', source: 'app' | 'heroku' = 'app') => ({ timeMs, source, dyno, message });

/** As a keeper does: a line, and the place that it stood at. */
function print(journal: Journal, printed: ReturnType<typeof line>, place = 'web.1'): void {
  journal.reach(place, { timeMs: printed.timeMs, breaks: (journal.cursor(place)?.breaks ?? 0) + 1 });
  journal.add(printed);
}

test('the next owner has the lines, and the place up to which each dyno was read', (t) => {
  const place = scratchFolder(t);
  const journal = new Journal(place, new FakeClock());
  journal.begin('web.1', 1000);
  print(journal, line('one', 1.5));
  print(journal, line('two', 2.000001));
  print(journal, line('three', 2.000001));
  journal.add(line('State changed', 3, 'web.1', 'heroku'));
  const next = new Journal(place, new FakeClock());
  t.deepEqual(next.past.map(({ message }) => message), ['one', 'two', 'three', 'State changed']);
  t.deepEqual(next.cursor('web.1'), { createdAtMs: 1000, timeMs: 2.000001, count: 2, breaks: 3 });
  next.begin('web.1', 1000);
  t.is(next.cursor('web.1')?.count, 2);
  next.begin('web.1', 2000);
  t.deepEqual(next.cursor('web.1'), { createdAtMs: 2000, timeMs: 0, count: 0, breaks: 0 });
});

test('two containers of one dyno are read each for itself', (t) => {
  const place = scratchFolder(t);
  const journal = new Journal(place, new FakeClock());
  for (const each of ['web.1', 'web.1-b']) journal.begin(each, 1000);
  print(journal, line('old', 5));
  print(journal, line('new', 1), 'web.1-b');
  journal.flush();
  print(journal, line('newer', 2), 'web.1-b');
  journal.flush();
  const next = new Journal(place, new FakeClock());
  t.is(next.cursor('web.1')?.timeMs, 5);
  t.like(next.cursor('web.1-b'), { timeMs: 2, count: 1, breaks: 2 });
});

test('what was not written is not counted as read either', (t) => {
  const place = scratchFolder(t);
  const journal = new Journal(place, new FakeClock());
  journal.begin('web.1', 1000);
  print(journal, line('one', 1));
  journal.flush();
  print(journal, line('two', 2));
  const next = new Journal(place, new FakeClock());
  t.deepEqual(next.past.map(({ message }) => message), ['one']);
  t.is(next.cursor('web.1')?.timeMs, 1);
  journal.flush();
});

test('what was written half is as if it had not been, and what comes then is whole', (t) => {
  const place = scratchFolder(t);
  const journal = new Journal(place, new FakeClock());
  journal.begin('web.1', 1000);
  print(journal, line('one', 1));
  journal.flush();
  const { size } = statSync(join(place.path, 'log'));
  print(journal, line('two', 2));
  journal.flush();
  truncateSync(join(place.path, 'log'), size + 30);
  const next = new Journal(place, new FakeClock());
  t.is(next.cursor('web.1')?.timeMs, 1);
  print(next, line('two', 2));
  next.flush();
  t.deepEqual(new Journal(place, new FakeClock()).past.map(({ message }) => message), ['one', 'two']);
});

test('what is no entry of a journal is passed over', (t) => {
  const place = scratchFolder(t);
  appendFileSync(join(place.path, 'log'), 'nonsense\n[]\n{"cursors":7,"lines":[]}\n{"cursors":{"web.1":{}},"lines":[{"timeMs":"x"},null]}\n');
  const journal = new Journal(place, new FakeClock());
  t.deepEqual(journal.past, []);
  t.is(journal.cursor('web.1'), undefined);
});

test('it does not grow for ever, and the newest is kept', (t) => {
  const place = scratchFolder(t);
  const journal = new Journal(place, new FakeClock());
  journal.begin('web.1', 1000);
  for (let number = 1; number <= 20_000; number++) {
    print(journal, line(`${number} ${'x'.repeat(1000)}`, number));
    if (number % 500 === 0) journal.flush();
  }
  journal.flush();
  t.true(statSync(join(place.path, 'log')).size <= 4 * 2 ** 20);
  const { past } = new Journal(place, new FakeClock());
  t.true(past.length > 500);
  t.deepEqual(past.map(({ timeMs }) => timeMs), Array.from(past, (_, index) => 20_000 - past.length + 1 + index));
  t.is(new Journal(place, new FakeClock()).cursor('web.1')?.timeMs, 20_000);
});

async function entriesIn(pieces: readonly (LogPiece | LogMark)[], breaks = 0): Promise<(TimedLine | Gap)[]> {
  async function* source() {
    for (const piece of pieces) yield await Promise.resolve(piece);
  }
  const found: (TimedLine | Gap)[] = [];
  for await (const some of linesOf(source(), breaks)) found.push(...some);
  return found;
}

const linesIn = async (pieces: readonly LogPiece[]) => (await entriesIn(pieces)).filter((entry) => 'message' in entry);

const piece = (timeMs: number, text: string, stream: LogPiece['stream'] = 'stdout'): LogPiece => ({ timeMs, stream, bytes: Buffer.from(text) });
const mark = (timeMs: number, breaksBefore: number): LogMark => ({ timeMs, breaksBefore });
const pieces = [piece(1, 'a\nb\nc'), piece(2, 'err', 'stderr'), piece(3, 'c\nd\ne'), piece(2.5, '\nlast')];

test('a line has the time of the piece that ends it, and times do not go back', async (t) => {
  t.deepEqual((await linesIn(pieces)).map(({ timeMs, message }) => `${timeMs} ${message}`), ['1 a', '1 b', '3 cc', '3 d', '3 e', '3 last', '3 err']);
});

test('read again from the beginning, from any place on nothing is missing and nothing twice', async (t) => {
  const all = await linesIn(pieces);
  for (let read = 0; read <= all.length; read++) {
    const before = all.slice(0, read);
    const timeMs = before.at(-1)?.timeMs ?? 0;
    const unread = new Unread({ createdAtMs: 0, timeMs, count: before.filter((each) => each.timeMs === timeMs).length, breaks: 0 });
    t.deepEqual(all.flatMap((each) => unread.of([each])), all.slice(read));
  }
});

const shown = (entries: readonly (TimedLine | Gap)[]) => entries.map((entry) => ('message' in entry ? `${entry.message} ${entry.breaks}` : `lost ${entry.lost} ${entry.breaks}`));

test('what was overwritten unread is a gap of as many line feeds, and the rest is counted from there', async (t) => {
  t.deepEqual(shown(await entriesIn([mark(1, 0), piece(1, 'a\nb'), mark(9, 1), piece(9, 'b\nc\n')])), ['a 1', 'bb 2', 'c 3'], 'nothing is lost between two files');
  t.deepEqual(shown(await entriesIn([mark(1, 0), piece(1, 'a\nb'), mark(9, 5), piece(9, 'tail\nf\n'), mark(12, 7), piece(12, 'g\n')])), ['a 1', 'lost 4 5', 'tail 6', 'f 7', 'g 8'], 'the beginning of a line whose end is lost is lost with it');
  t.deepEqual(shown(await entriesIn([mark(9, 5), piece(9, 'f\n')])), ['lost 5 5', 'f 6'], 'also where nothing was ever read');
});

test('who goes on where another one was misses what lies between that and what is there', async (t) => {
  const left = [mark(9, 5), piece(9, 'f\ng\n')];
  t.deepEqual(shown(await entriesIn(left, 3)), ['lost 2 5', 'f 6', 'g 7']);
  for (const read of [5, 6, 7]) t.deepEqual(shown(await entriesIn(left, read)), ['f 6', 'g 7'], 'it is read again, and nothing is missed');
  const unread = new Unread({ createdAtMs: 0, timeMs: 4, count: 1, breaks: 3 });
  t.deepEqual(shown(unread.of(await entriesIn(left, 3))), ['lost 2 5', 'f 6', 'g 7']);
});

test('a line in several parts is one line feed', async (t) => {
  const entries = await entriesIn([mark(1, 0), piece(1, `${'x'.repeat(25_000)}\nshort\n`)]);
  t.deepEqual(entries.map(({ breaks }) => breaks), [0, 0, 1, 2]);
});

test('in docker\'s form a line has its stream, and its parts the same id whoever reads them', async (t) => {
  async function* source() {
    for (const each of [piece(1, 'x'.repeat(20_000)), piece(2, 'err\n', 'stderr'), piece(3, '\nend', 'terminal'), piece(4, '\n')]) yield await Promise.resolve(each);
  }
  const found: (TimedLine | Gap)[] = [];
  for await (const some of linesOf(source(), 0, 'docker')) found.push(...some);
  t.deepEqual(found.map((entry) => ('message' in entry ? [entry.message.length, entry.stream, entry.partial] : [])), [
    [16_384, 'stdout', { id: '1-0', ordinal: 1, last: false }],
    [3, 'stderr', undefined],
    [0, 'stdout', undefined],
    [3616, 'stdout', { id: '1-0', ordinal: 2, last: true }],
    [3, 'stdout', { id: '4-end', ordinal: 1, last: false }],
  ]);
});

test('lines in docker\'s form are found again as they were', (t) => {
  const place = scratchFolder(t);
  const journal = new Journal(place, new FakeClock());
  const parted = { ...line('one', 1), stream: 'stderr', partial: { id: 'web.1-1-0', ordinal: 1, last: false } } as const;
  print(journal, parted);
  journal.flush();
  appendFileSync(join(place.path, 'log'), `${JSON.stringify({ cursors: {}, lines: [{ ...parted, stream: 'x' }, { ...parted, partial: { id: 1 } }] })}\n`);
  t.deepEqual(new Journal(place, new FakeClock()).past, [parted]);
});
