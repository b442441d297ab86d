import { appendFileSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { LogPiece } from '../../../src/container/log.js';
import { linesOf, Unread, type TimedLine } from '../../../src/dyno/survival/container-lines.js';
import { Journal } from '../../../src/dyno/survival/journal.js';

function folder(t: ExecutionContext) {
  const path = mkdtempSync(join(tmpdir(), 'tsrun-journal-'));
  t.teardown(() => {
    rmSync(path, { recursive: true });
  });
  const of = (name: string) => join(path, name);
  const read = (name: string) => {
    try {
      return readFileSync(of(name), 'utf8');
    } catch {
      return undefined;
    }
  };
  const write = (name: string, text: string) => {
    writeFileSync(of('new'), text);
    renameSync(of('new'), of(name));
  };
  return { path, read, write };
}

const line = (message: string, timeMs: number, dyno = 'web.1', source: 'app' | 'heroku' = 'app') => ({ timeMs, source, dyno, message });

test('the next owner has the lines, and the place up to which each dyno was read', (t) => {
  const place = folder(t);
  const journal = new Journal(place);
  journal.begin('web.1', 1000);
  journal.add(line('one', 1.5));
  journal.add(line('two', 2.000001));
  journal.add(line('three', 2.000001));
  journal.add(line('State changed', 3, 'web.1', 'heroku'));
  const next = new Journal(place);
  t.deepEqual(next.past.map(({ message }) => message), ['one', 'two', 'three', 'State changed']);
  t.deepEqual(next.cursor('web.1'), { createdAtMs: 1000, timeMs: 2.000001, count: 2 });
  next.begin('web.1', 1000);
  t.is(next.cursor('web.1')?.count, 2);
  next.begin('web.1', 2000);
  t.deepEqual(next.cursor('web.1'), { createdAtMs: 2000, timeMs: 0, count: 0 });
});

test('what was not written is not counted as read either', (t) => {
  const place = folder(t);
  const journal = new Journal(place);
  journal.begin('web.1', 1000);
  journal.add(line('one', 1));
  journal.flush();
  journal.add(line('two', 2));
  const next = new Journal(place);
  t.deepEqual(next.past.map(({ message }) => message), ['one']);
  t.is(next.cursor('web.1')?.timeMs, 1);
  journal.flush();
});

test('what was written half is as if it had not been, and what comes then is whole', (t) => {
  const place = folder(t);
  const journal = new Journal(place);
  journal.begin('web.1', 1000);
  journal.add(line('one', 1));
  journal.flush();
  const { size } = statSync(join(place.path, 'log'));
  journal.add(line('two', 2));
  journal.flush();
  truncateSync(join(place.path, 'log'), size + 30);
  const next = new Journal(place);
  t.is(next.cursor('web.1')?.timeMs, 1);
  next.add(line('two', 2));
  next.flush();
  t.deepEqual(new Journal(place).past.map(({ message }) => message), ['one', 'two']);
});

test('what is no entry of a journal is passed over', (t) => {
  const place = folder(t);
  appendFileSync(join(place.path, 'log'), 'nonsense\n[]\n{"cursors":7,"lines":[]}\n{"cursors":{"web.1":{}},"lines":[{"timeMs":"x"},null]}\n');
  const journal = new Journal(place);
  t.deepEqual(journal.past, []);
  t.is(journal.cursor('web.1'), undefined);
});

test('it does not grow for ever, and the newest is kept', (t) => {
  const place = folder(t);
  const journal = new Journal(place);
  journal.begin('web.1', 1000);
  for (let number = 1; number <= 20_000; number++) {
    journal.add(line(`${number} ${'x'.repeat(1000)}`, number));
    if (number % 500 === 0) journal.flush();
  }
  journal.flush();
  t.true(statSync(join(place.path, 'log')).size <= 4 * 2 ** 20);
  const { past } = new Journal(place);
  t.true(past.length > 500);
  t.deepEqual(past.map(({ timeMs }) => timeMs), Array.from(past, (_, index) => 20_000 - past.length + 1 + index));
  t.is(new Journal(place).cursor('web.1')?.timeMs, 20_000);
});

async function linesIn(pieces: readonly LogPiece[]): Promise<TimedLine[]> {
  async function* source() {
    for (const piece of pieces) yield await Promise.resolve(piece);
  }
  const found: TimedLine[] = [];
  for await (const some of linesOf(source())) found.push(...some);
  return found;
}

const piece = (timeMs: number, text: string, stream: LogPiece['stream'] = 'stdout'): LogPiece => ({ timeMs, stream, bytes: Buffer.from(text) });
const pieces = [piece(1, 'a\nb\nc'), piece(2, 'err', 'stderr'), piece(3, 'c\nd\ne'), piece(2.5, '\nlast')];

test('a line has the time of the piece that ends it, and times do not go back', async (t) => {
  t.deepEqual((await linesIn(pieces)).map(({ timeMs, message }) => `${timeMs} ${message}`), ['1 a', '1 b', '3 cc', '3 d', '3 e', '3 last', '3 err']);
});

test('read again from the beginning, from any place on nothing is missing and nothing twice', async (t) => {
  const all = await linesIn(pieces);
  for (let read = 0; read <= all.length; read++) {
    const before = all.slice(0, read);
    const timeMs = before.at(-1)?.timeMs ?? 0;
    const unread = new Unread({ createdAtMs: 0, timeMs, count: before.filter((each) => each.timeMs === timeMs).length });
    t.deepEqual(all.flatMap((each) => unread.of([each])), all.slice(read));
  }
});
