import { styleText } from 'node:util';
import test from 'ava';
import fc from 'fast-check';
import { displayWidth } from '../../../src/cli/output.js';
import { aloneLines, type AloneView } from '../../../src/cli/top/alone.js';
import { extend, sparkline } from '../../../src/cli/top/history.js';
import { plain, rowOf } from './support.js';

const view: AloneView = {
  row: rowOf('my-app.web.1', { app: 'my-app', dyno: 'web.1', state: 'up', command: 'node server.js', cpuPercent: 50, memoryBytes: 2 ** 20, memoryLimitBytes: 2 ** 21, pids: 3, pidsLimit: 64, uptimeMs: 5000, restarts: 1, pressurePercent: { cpu: 2, io: 7 } }),
  isGone: false,
  course: { cpu: [0, 50, 100, 200], memory: [0, 2 ** 21], pids: [1, 2], pressure: [0, 100] },
  log: ['one', 'two\u001b[31mred\u001b[0m', 'three\ttabs'],
};

const show = (rows: number, columns: number, more: Partial<AloneView> = {}) => aloneLines({ ...view, ...more }, { rows, columns }, plain).map((text) => text.trimEnd());

test('figures with their course, and the log beside them', (t) => {
  const lines = show(15, 110);
  t.deepEqual(lines.map((text) => text.slice(0, 46).trimEnd()), [
    'my-app.web.1', 'state      up', 'uptime     5s', 'restarts   1', 'command    node server.js', '',
    'cpu        50.0%                ▁▃▅█', 'memory     1MiB / 2MiB          ▁█', 'pids       3 / 64               ▅█', 'pressure   io 7%                ▁█', '           cpu 2.0%  io 7.0%', 'throttled  -', '', '',
    'esc back  ↑↓ others  q quit',
  ]);
  t.deepEqual(lines.slice(0, 5).map((text) => text.slice(46)), [' │ LOG  tsrun logs -f --app my-app -d web.1', ' │ one', ' │ twored', ' │ three\\ttabs', ' │']);
});

test('the log below where there is no room beside; the newest lines stay', (t) => {
  const lines = show(17, 60);
  t.deepEqual(lines.slice(-4), ['LOG  tsrun logs -f --app my-app -d web.1', 'two' + 'red', 'three\\ttabs', 'esc back  ↑↓ others  q quit']);
});

test('one that has ended says so; a container is followed by its name', (t) => {
  t.is(show(20, 60, { isGone: true })[1], 'state      ended');
  t.true(show(20, 60, { row: rowOf('job') }).includes('LOG  tsrun logs -f job'));
});

test('whatever is shown, lines are as many as the terminal has, and none is wider', (t) => {
  const anySize = fc.record({ rows: fc.integer({ min: 1, max: 40 }), columns: fc.integer({ min: 1, max: 200 }) });
  fc.assert(fc.property(anySize, fc.array(fc.string({ unit: 'binary' })), fc.string({ unit: 'binary' }), fc.array(fc.double({ noNaN: true }), { maxLength: 400 }), (size, log, name, values) => {
    const lines = aloneLines({ ...view, row: { ...view.row, name, command: name }, log, course: { ...view.course, cpu: values } }, size, (style, text) => styleText(style, text, { validateStream: false }));
    t.is(lines.length, size.rows);
    for (const text of lines) t.true(displayWidth(text) <= size.columns, JSON.stringify(text));
  }), { numRuns: 60 });
  t.deepEqual(aloneLines(view, { rows: 0, columns: 80 }, plain), []);
});

test('a sparkline has the last values, by the largest that there may be or was', (t) => {
  t.is(sparkline([0, 25, 50, 75, 100], 5, 100), '▁▃▅▇█');
  t.is(sparkline([0, 25, 50, 75, 100], 2, 1000), '▁▁');
  t.is(sparkline([1, 2, 400], 3, 100), '▁▁█');
  t.is(sparkline([0, 0], 9, 0), '▁▁');
  t.is(sparkline([], 9, 1), '');
  t.is(sparkline([1], -3, 1), '');
});

test('courses go on while their rows are there, and no longer', (t) => {
  let courses = extend(new Map(), [rowOf('a', { cpuPercent: 1, memoryBytes: 5, pids: 2, pressurePercent: { io: 3 } }), rowOf('b')]);
  courses = extend(courses, [rowOf('a', { cpuPercent: 2 })]);
  t.deepEqual([...courses], [['a', { cpu: [1, 2], memory: [5], pids: [2], pressure: [3] }]]);
  for (let count = 0; count < 400; count++) courses = extend(courses, [rowOf('a', { cpuPercent: count })]);
  t.deepEqual([courses.get('a')?.cpu.length, courses.get('a')?.cpu.at(-1)], [300, 399]);
});
