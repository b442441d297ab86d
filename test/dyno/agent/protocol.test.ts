import test from 'ava';
import { errorJson, errorOf } from '../../../src/dyno/agent/carried-error.js';
import { clientWord, dynoSummary, isOf, linesFrom, mostLineBytes, parseLine, parseRequest, piecesOf } from '../../../src/dyno/agent/protocol.js';
import { TsrunError } from '../../../src/spec/errors.js';

async function lines(...pieces: string[]): Promise<string[]> {
  async function* source() {
    for (const piece of pieces) yield await Promise.resolve(Buffer.from(piece));
  }
  const found: string[] = [];
  for await (const line of linesFrom(source())) found.push(line);
  return found;
}

test('lines come whole, however they were cut; what has no end is none', async (t) => {
  t.deepEqual(await lines('{"a":', '1}\n{}\n\n{"b"', ':"ü', '"}\nrest'), ['{"a":1}', '{}', '', '{"b":"ü"}']);
});

test('a line without end does not fill the memory', async (t) => {
  await t.throwsAsync(lines('x'.repeat(mostLineBytes), 'y'), { code: 'ERR_TSRUN_STATE' });
  t.is((await lines(`${'x'.repeat(mostLineBytes)}\n`)).length, 1);
});

for (const [what, line] of [
  ['no JSON', '{'],
  ['an unknown operation', '{"op":"format"}'],
  ['no operation', '{}'],
  ['a field too much', '{"op":"stop","force":true}'],
  ['quantities of another kind', '{"op":"scale","quantities":{"web":"two"}}'],
  ['too many', '{"op":"scale","quantities":{"web":1001}}'],
  ['a dyno that is none', '{"op":"restart","which":"../web"}'],
  ['logs that say half', '{"op":"logs"}'],
] as const) {
  test(`a request is refused: ${what}`, (t) => {
    t.throws(() => parseRequest(line), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  });
}

test('requests are read as they are meant', (t) => {
  for (const request of [{ op: 'dynos' }, { op: 'stop' }, { op: 'scale', quantities: { web: 2 } }, { op: 'restart' }, { op: 'restart', which: 'web.1' }, { op: 'logs', follow: true, past: 0, sinceMs: 1.5, dyno: 'web' }]) {
    t.deepEqual(parseRequest(JSON.stringify(request)) as object, request);
  }
});

test('an error comes over as it was raised, and no other is made of it', (t) => {
  const sent = new TsrunError('ERR_TSRUN_NOT_FOUND', 'there is no dyno', { hint: 'look', field: '/which' });
  t.like(errorOf(parseLine(JSON.stringify(errorJson(sent)))), { code: 'ERR_TSRUN_NOT_FOUND', message: 'there is no dyno', hint: 'look', field: '/which' });
  t.like(errorOf(errorJson(new Error('full'))), { code: 'ERR_TSRUN_HOST', message: 'full', hint: undefined });
  for (const strange of [null, 7, {}, { code: 'ERR_OTHER', message: 'x' }, { code: 'toString', message: 'x' }, { code: 'ERR_TSRUN_HOST', message: {} }]) t.is(errorOf(strange).code, 'ERR_TSRUN_STATE');
});

test('what is told of a dyno may be more than is known here, not less', (t) => {
  const dyno = { name: 'web.1', type: 'web', number: 1, state: 'up', sinceMs: 1, command: 'x', crashes: 0, restarts: 0 };
  t.true(isOf(dynoSummary, { ...dyno, weather: 'fine' }));
  t.false(isOf(dynoSummary, { ...dyno, state: 'lost' }));
  for (const field of ['type', 'number', 'crashes', 'restarts']) t.false(isOf(dynoSummary, { ...dyno, [field]: undefined }), field);
});

test('one-off dynos: requests and what their clients say are read as they are meant', (t) => {
  for (const request of [
    { op: 'one-offs' }, { op: 'run', command: 'echo', options: {} }, { op: 'run', command: ['a', 'b'], options: { terminal: { rows: 1, columns: 2 }, env: { A: 'b' }, size: 'standard-1x' } },
    { op: 'wait', oneOff: 'run.1234' }, { op: 'attach', oneOff: 'run.1234' }, { op: 'end', oneOff: 'run.1234' }, { op: 'kill', oneOff: 'run.1234', signal: 'SIGINT' },
  ]) t.deepEqual(parseRequest(JSON.stringify(request)) as object, request);
  for (const request of [{ op: 'run', command: [], options: {} }, { op: 'run', command: 'x', options: { user: '0' } }, { op: 'run', command: 'x', options: { size: 'huge' } }, { op: 'kill', oneOff: 'run.1', signal: 'SIGX' }, { op: 'wait' }]) {
    t.throws(() => parseRequest(JSON.stringify(request)), { code: 'ERR_TSRUN_INVALID_ARGUMENT' }, JSON.stringify(request));
  }
  for (const word of [{ say: 'type', base64: 'eA==' }, { say: 'size', rows: 0, columns: 0 }, { say: 'end' }, { say: 'detach' }]) t.true(isOf(clientWord, word));
  for (const word of [{ say: 'type' }, { say: 'size', rows: -1, columns: 0 }, { say: 'size', rows: 1, columns: 70_000 }, { say: 'stop' }, {}, 7]) t.false(isOf(clientWord, word));
});

test('bytes go in pieces that a line has room for as base64', (t) => {
  const bytes = Buffer.alloc(200_000, 7);
  const pieces = [...piecesOf(bytes)];
  t.true(pieces.every((piece) => piece.toString('base64').length + 100 < mostLineBytes));
  t.true(Buffer.concat(pieces).equals(bytes));
  t.deepEqual([...piecesOf(Buffer.alloc(0))], []);
});
