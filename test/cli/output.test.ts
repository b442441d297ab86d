import { PassThrough } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { TsrunError } from '../../src/index.js';
import { findCommand } from '../../src/cli/commands.js';
import { describeFailure, exitCodeOf, failureJson } from '../../src/cli/failure.js';
import { displayWidth, escapeControl, humanDuration, humanSize, painter, quote, renderJson, renderTable, wantsColour, type Column } from '../../src/cli/output.js';

const terminal = Object.assign(new PassThrough(), { isTTY: true });
const pipe = new PassThrough();

test('text from elsewhere cannot drive the terminal', (t) => {
  t.is(escapeControl('a\u001b[31mb\u0007\u0000\n\r\t\u009b\u007f'), 'a\\x1b[31mb\\x07\\x00\\n\\r\\t\\x9b\\x7f');
  t.is(escapeControl('gp\u202ej.exe \u2066x'), 'gp\\u202ej.exe \\u2066x');
  t.is(escapeControl('Grüße, 世界 👋'), 'Grüße, 世界 👋');
  t.is(quote('a\nb'), '"a\\nb"');
});

test('colours follow FORCE_COLOR, NO_COLOR, the terminal and TERM', (t) => {
  const table = [
    [terminal, {}, true],
    [pipe, {}, false],
    [terminal, { NO_COLOR: '1' }, false],
    [terminal, { NO_COLOR: '' }, true],
    [pipe, { FORCE_COLOR: '' }, true],
    [pipe, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    [terminal, { FORCE_COLOR: '0' }, false],
    [terminal, { FORCE_COLOR: 'false' }, false],
    [terminal, { TERM: 'dumb' }, false],
  ] as const;
  for (const [stream, env, expected] of table) t.is(wantsColour(stream, env), expected, JSON.stringify(env));
  t.is(painter(terminal, {})('red', 'x'), '\u001b[31mx\u001b[39m');
  t.is(painter(pipe, {})('red', 'x'), 'x');
});

test('tables: columns fit their widest cell, numbers stand at the right, nothing trails', (t) => {
  const columns = [{ title: 'NAME' }, { title: 'PIDS', align: 'right' }, { title: 'COMMAND' }] as const;
  const rows = [['web.1', '12', 'node server.js'], ['世界', '3', 'a\u001b[2Jb'], ['x']];
  t.deepEqual(renderTable(columns, rows).split('\n'), [
    'NAME   PIDS  COMMAND',
    'web.1    12  node server.js',
    '世界      3  a\\x1b[2Jb',
    'x',
    '',
  ]);
});

test('tables: cut to a width, by what is seen and not by colours', (t) => {
  const columns: Column[] = [{ title: 'NAME', style: () => 'green' }, { title: 'COMMAND' }];
  const lines = renderTable(columns, [['web', 'a long program line']], { width: 12, paint: painter(terminal, {}) }).split('\n');
  t.deepEqual(lines.map(stripVTControlCharacters), ['NAME  COMMA…', 'web   a lon…', '']);
  t.true(lines[1]?.startsWith('\u001b[32mweb'));
});

test('widths of characters', (t) => {
  for (const [text, width] of [['abc', 3], ['世界', 4], ['e\u0301', 1], ['👋', 2], ['\u001b[31mx\u001b[39m', 1]] as const) t.is(displayWidth(text), width, text);
});

test('sizes for people', (t) => {
  const table = [[0, '0B'], [1023, '1023B'], [1024, '1KiB'], [1536, '1.5KiB'], [1024 ** 2 - 1, '1MiB'], [512 * 1024 ** 2, '512MiB'], [1.25 * 1024 ** 3, '1.25GiB'], [1024 ** 6, '1024PiB']] as const;
  for (const [bytes, text] of table) t.is(humanSize(bytes), text);
});

test('spans for people', (t) => {
  const table = [[0, '0ms'], [-5, '0ms'], [12.4, '12ms'], [1200, '1.2s'], [9999, '10s'], [59_999, '1m'], [192_000, '3m12s'], [3_600_000, '1h'], [3_605_000, '1h'], [7_500_000, '2h5m'], [277_200_000, '3d5h']] as const;
  for (const [ms, text] of table) t.is(humanDuration(ms), text);
});

test('JSON has an end of line, and writes large integers as text', (t) => {
  t.is(renderJson({ a: 1n, b: '\u001b' }), '{\n  "a": "1",\n  "b": "\\u001b"\n}\n');
  t.is(renderJson({ '\u009b': '\u007f\u202e\u2028é' }), '{\n  "\\u009b": "\\u007f\\u202e\\u2028é"\n}\n');
});

test('errors: message, hint, and the exit code', (t) => {
  const paint = painter(pipe, {});
  const missing = new TsrunError('ERR_TSRUN_COMMAND_NOT_FOUND', 'no "x\u001b[2J" in the image', { hint: 'look\nagain' });
  t.is(describeFailure(missing, paint), 'tsrun: no "x\\x1b[2J" in the image\nhint: look\nagain\n');
  t.is(failureJson(new TsrunError('ERR_TSRUN_IMAGE', '\u009b31m\u001b')), '{"error":{"code":"ERR_TSRUN_IMAGE","message":"\\u009b31m\\u001b"}}\n');
  t.regex(describeFailure(new Error('oops'), paint), /^tsrun: internal error: Error: oops\n +at .*\nhint: this is a fault of tsrun/s);
  const [run, ps] = [findCommand('run'), findCommand('ps')];
  t.is(exitCodeOf(missing, run), 127);
  t.is(exitCodeOf(missing, ps), 1);
  t.is(exitCodeOf(new TsrunError('ERR_TSRUN_COMMAND_NOT_EXECUTABLE', ''), run), 126);
  t.is(exitCodeOf(new TsrunError('ERR_TSRUN_SETUP', ''), run), 125);
  t.is(exitCodeOf(new TsrunError('ERR_TSRUN_NOT_FOUND', ''), ps), 1);
  t.is(exitCodeOf(new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', ''), ps), 125);
  t.is(exitCodeOf(new Error('oops'), run), 125);
});
