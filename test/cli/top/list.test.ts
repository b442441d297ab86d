import { styleText } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { displayWidth } from '../../../src/cli/output.js';
import { columns, filterRows, sortRows } from '../../../src/cli/top/columns.js';
import { firstState, type TopState } from '../../../src/cli/top/keys.js';
import { listLines, pageOf, type Size } from '../../../src/cli/top/list.js';
import type { TopRow } from '../../../src/cli/top/rows.js';
import { sortKeys } from '../../../src/cli/top/sort-keys.js';
import { plain, rowOf } from './support.js';

const web = rowOf('web', { cpuPercent: 45.21, memoryBytes: 256 * 2 ** 20, memoryLimitBytes: 512 * 2 ** 20, pids: 7, uptimeMs: 192_500, pressurePercent: { cpu: 1, memory: 12.4, io: 0 }, throttledPercent: 3 });
const dyno = rowOf('my-app.worker.1', { app: 'my-app', dyno: 'worker.1', state: 'crashed', restarts: 2 });
const size: Size = { rows: 6, columns: 140 };

function show(rows: readonly TopRow[], state: Partial<TopState> = {}, { rows: height, columns: width }: Size = size, total = rows.length): readonly string[] {
  return listLines({ state: { ...firstState, ...state }, rows, total }, { rows: height, columns: width }, plain).map((text) => text.trimEnd());
}

test('a row each, with bars, between a title and the keys', (t) => {
  t.deepEqual(show([web, dyno]), [
    'tsrun top  1 container, 1 dyno                                                                                                     cpu 45.2%',
    '  NAME             STATE                 ▼CPU            MEMORY / LIMIT   PIDS   UPTIME    PRESSURE   RESTARTS   THROTTLED',
    '▸ web              running  █████░░░░░  45.2%  ███░░░   256MiB / 512MiB      7    3m12s  memory 12%          -        3.0%',
    '  my-app.worker.1  crashed                  -                         -      -        -           -          2           -',
    '',
    '↑↓ select  ⏎ open  s sort  r reverse  / filter  q quit',
  ]);
});

test('what has no room goes, the last columns first, and the name is the last to stay', (t) => {
  t.is(show([web], {}, { rows: 6, columns: 80 })[1], '  NAME      STATE                 ▼CPU            MEMORY / LIMIT   PIDS   UPTIME');
  t.is(show([web], {}, { rows: 6, columns: 40 })[1], '  NAME      STATE                 ▼CPU');
  t.is(show([web], {}, { rows: 6, columns: 21 })[2], '▸ web       running');
  t.is(show([dyno], {}, { rows: 6, columns: 12 })[2], '▸ my-app.wo…');
  t.is(show([dyno], {}, { rows: 6, columns: 2 })[2], 'm…');
});

test('a low terminal keeps rows: first the title goes, then what the columns are', (t) => {
  t.deepEqual([1, 2, 3, 4].map((rows) => pageOf({ rows, columns: 80 })), [1, 1, 1, 1]);
  t.deepEqual([1, 2, 3].map((rows) => show([web], {}, { rows, columns: 12 }).map((text) => text.slice(0, 6))), [['▸ web'], ['  NAME', '▸ web'], ['tsrun ', '  NAME', '▸ web']]);
  t.deepEqual(show([web], {}, { rows: 0, columns: 80 }), []);
  t.deepEqual(show([web], {}, { rows: 5, columns: 0 }), []);
});

test('with nothing to show it says what to do', (t) => {
  t.deepEqual(show([]).slice(2, 3), ['nothing runs: tsrun run starts a container, tsrun up an app']);
  t.deepEqual(show([], { filter: 'x' }, size, 4).filter((text) => text !== '').map((text) => text.replace(/ {2,}/g, '  ')).slice(0, 1), ['tsrun top  0 containers, 0 dynos  0 of 4  cpu 0.0%']);
  t.true(show([], { filter: 'x' }, size, 4).includes('nothing is called x'));
});

test('the one that is selected is in sight among a thousand', (t) => {
  const rows = Array.from({ length: 1000 }, (_, index) => rowOf(`c${index}`));
  for (const [selected, first, last] of [['c0', 'c0', 'c6'], ['c500', 'c497', 'c503'], ['c999', 'c993', 'c999']] as const) {
    const lines = show(rows, { selected }, { rows: 10, columns: 60 });
    const names = lines.slice(2, -1).map((text) => text.slice(2).split(' ')[0]);
    t.deepEqual([names[0], names.at(-1), names.length], [first, last, 7]);
    t.is(lines.filter((text) => text.startsWith('▸')).length, 1);
    t.true(lines.some((text) => text.startsWith(`▸ ${selected} `)));
  }
});

test('who is gone leaves the selection to who stands there now', (t) => {
  t.true(show([rowOf('a'), rowOf('b')], { selected: 'gone', at: 1 })[3]?.startsWith('▸ b'));
  t.true(show([rowOf('a')], { selected: 'gone', at: 7 })[2]?.startsWith('▸ a'));
});

test('what is typed into the filter is seen', (t) => {
  t.is(show([web], { isTyping: true, filter: 'w\u001b' }).at(-1), 'filter: w\\x1b▏');
  t.is(show([web], { filter: 'web' }).at(-1), 'filter: web  esc all  ⏎ open  q quit');
});

test('a name cannot drive the terminal, and wide letters take their room', (t) => {
  t.is(show([rowOf('\u001b[2J\u001b]0;x\u0007a\nb\u202e')])[2]?.slice(0, 18), '▸ a\\nb\\u202e  runn');
  const lines = show([rowOf('日本語'), rowOf('abc')], {}, { rows: 6, columns: 40 });
  t.is(lines[2]?.slice(0, 16), '▸ 日本語    running');
  t.is(lines[3]?.slice(0, 19), '  abc       running');
});

test('whatever is shown, lines are as many as the terminal has, and none is wider', (t) => {
  const anyRow = fc.record({ name: fc.string({ unit: 'binary' }), state: fc.constantFrom('up', 'provisioning'), command: fc.string(), cpuPercent: fc.double({ min: 0, max: 1e6, noNaN: true }), memoryBytes: fc.nat(), memoryLimitBytes: fc.nat(), pids: fc.nat(), uptimeMs: fc.nat() });
  const anySize = fc.record({ rows: fc.integer({ min: 1, max: 30 }), columns: fc.integer({ min: 1, max: 200 }) });
  fc.assert(fc.property(fc.array(anyRow, { maxLength: 40 }), anySize, fc.string(), (rows, { rows: height, columns: width }, filter) => {
    const painted = listLines({ state: { ...firstState, filter }, rows, total: 50 }, { rows: height, columns: width }, (style, text) => styleText(style, text, { validateStream: false }));
    t.is(painted.length, height);
    for (const text of painted) t.true(displayWidth(text) <= width, `${displayWidth(text)} > ${width}: ${JSON.stringify(text)}`);
  }), { numRuns: 60 });
});

test('rows are sorted by every column; those without a figure stand last, either way round', (t) => {
  const rows = [rowOf('b', { cpuPercent: 5 }), rowOf('none'), rowOf('a', { cpuPercent: 5 }), rowOf('c', { cpuPercent: 90 })];
  t.deepEqual(sortRows(rows, 'cpu', false).map(({ name }) => name), ['c', 'a', 'b', 'none']);
  t.deepEqual(sortRows(rows, 'cpu', true).map(({ name }) => name), ['a', 'b', 'c', 'none']);
  t.deepEqual(sortRows(rows, 'name', false).map(({ name }) => name), ['a', 'b', 'c', 'none']);
  for (const key of sortKeys) t.is(sortRows(rows, key, false).length, 4, key);
  t.deepEqual(sortKeys.map((key) => columns[key].order(web)), ['web', 'running', 45.21, 256 * 2 ** 20, 7, 192_500, 12.4, undefined, 3]);
});

test('the filter looks for a part of the name, or of the state', (t) => {
  const rows = [rowOf('Web.1'), rowOf('worker.1', { state: 'crashed' })];
  t.deepEqual(filterRows(rows, 'web').map(({ name }) => name), ['Web.1']);
  t.deepEqual(filterRows(rows, 'CRASH').map(({ name }) => name), ['worker.1']);
  t.is(filterRows(rows, '').length, 2);
});
