import { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { frame, openProgress } from '../../src/cli/progress.js';
import type { OutputStream } from '../../src/cli/invocation.js';
import type { ImageProgress } from '../../src/index.js';

const digest = (letter: string) => `sha256:${letter.repeat(64)}`;

function terminal(isTTY: boolean): { readonly stream: OutputStream; readonly text: () => string } {
  let text = '';
  const stream: OutputStream = Object.assign(new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString();
      done();
    },
  }), { isTTY, columns: 80, rows: 10 });
  return { stream, text: () => text };
}

const fetching = (letter: string, doneBytes: number): ImageProgress => ({ stage: 'fetching', digest: digest(letter), doneBytes, totalBytes: 1000 });
const row = (last: ImageProgress, id = last.digest?.slice(7, 19) ?? 'image') => ({ id, last });

test('a line for each layer: a bar while it is fetched, a word when it is done', (t) => {
  const lines = frame([row(fetching('a', 500)), row({ ...fetching('b', 1000), finished: true }), row({ stage: 'resolving', doneBytes: 0 })], { columns: 80, rows: 24 });
  t.deepEqual(lines, [
    'aaaaaaaaaaaa  fetching   [===============>              ]  500B/1000B',
    'bbbbbbbbbbbb  fetched  1000B',
    'image         resolving',
  ]);
});

test('no line is wider than the window, and a bar without room is left out', (t) => {
  for (const columns of [1, 20, 40, 60]) for (const line of frame([row(fetching('a', 500))], { columns, rows: 24 })) t.true(line.length < Math.max(2, columns));
  t.notRegex(frame([row(fetching('a', 500))], { columns: 45, rows: 24 }).join(''), /\[/);
});

test('more layers than the window has lines: those that are worked on, and how many more there are', (t) => {
  const rows = 'abcdefghijklmnop'.split('').map((letter, index) => row({ ...fetching(letter, index), ...(index < 12 && { finished: true }) }));
  const lines = frame(rows, { columns: 80, rows: 10 });
  t.is(lines.length, 8);
  t.is(lines.filter((line) => line.includes('fetching')).length, 4);
  t.is(lines.at(-1), 'and 9 more, 9 of them done');
});

test('done is never more than all, whatever is told', (t) => {
  const [line] = frame([row({ ...fetching('a', 5000) })], { columns: 80, rows: 24 });
  t.regex(line ?? '', /\[={30}\]/);
  t.regex(frame([row({ ...fetching('a', -5) })], { columns: 80, rows: 24 })[0] ?? '', /\[> {29}\]/);
});

test('on a terminal the cursor is hidden while lines are redrawn, and comes back', (t) => {
  const { stream, text } = terminal(true);
  const progress = openProgress(stream, { TERM: 'xterm' }, false);
  progress.update(fetching('a', 1));
  progress.update({ ...fetching('a', 1000), finished: true });
  progress.close();
  progress.close();
  t.is(text(), '\x1b[?25l\r\x1b[Jaaaaaaaaaaaa  fetching   [>                             ]  1B/1000B\n\x1b[1A\r\x1b[Jaaaaaaaaaaaa  fetched  1000B\n\x1b[?25h');
  t.is(process.listeners('exit').filter((listener) => String(listener).includes('showCursor')).length, 0);
});

test('elsewhere each step of each layer is a line when it is done, and one without a terminal that can redraw is the same', (t) => {
  for (const [isTTY, TERM] of [[false, 'xterm'], [true, 'dumb']] as const) {
    const { stream, text } = terminal(isTTY);
    const progress = openProgress(stream, { TERM }, false);
    progress.update(fetching('a', 1));
    for (const stage of ['fetching', 'unpacking', 'unpacking'] as const) progress.update({ ...fetching('a', 1000), stage, finished: true });
    progress.close();
    t.is(text(), 'aaaaaaaaaaaa: fetched (1000B)\naaaaaaaaaaaa: unpacked (1000B)\n');
  }
});

test('quiet says nothing, and nothing to say draws nothing', (t) => {
  for (const [isTTY, quiet] of [[true, true], [false, true], [true, false]] as const) {
    const { stream, text } = terminal(isTTY);
    const progress = openProgress(stream, { TERM: 'xterm' }, quiet);
    if (quiet) progress.update({ ...fetching('a', 1), finished: true });
    progress.close();
    t.is(text(), '');
  }
});

test('what a registry names cannot drive the terminal', (t) => {
  const { stream, text } = terminal(false);
  openProgress(stream, {}, false).update({ stage: 'fetching', digest: 'x:\x1b[31mred', doneBytes: 0, finished: true });
  t.is(text(), '\\x1b[31mred: fetched\n');
});

test('what was there already is not said to be unpacked', (t) => {
  const there: ImageProgress = { ...fetching('a', 1000), stage: 'unpacking', finished: true, wasThere: true };
  t.deepEqual(frame([row(there)], { columns: 80, rows: 24 }), ['aaaaaaaaaaaa  already there  1000B']);
  const { stream, text } = terminal(false);
  openProgress(stream, {}, false).update(there);
  t.is(text(), 'aaaaaaaaaaaa: already there (1000B)\n');
});

test('a terminal that does not know its size has a usual one', (t) => {
  const { stream, text } = terminal(true);
  const progress = openProgress(Object.assign(stream, { columns: 0, rows: 0 }), { TERM: 'xterm' }, false);
  progress.update(fetching('a', 1));
  progress.close();
  t.true(text().includes('aaaaaaaaaaaa  fetching   [>                             ]  1B/1000B\n'), text());
});

test('what came too soon to be drawn is drawn a moment later, also if nothing follows', async (t) => {
  const { stream, text } = terminal(true);
  const progress = openProgress(stream, { TERM: 'xterm' }, false);
  progress.update({ stage: 'resolving', doneBytes: 0 });
  progress.update(fetching('a', 1));
  t.false(text().includes('fetching'));
  while (!text().includes('fetching')) await setImmediate();
  progress.close();
  t.true(text().includes('aaaaaaaaaaaa  fetching'));
});
