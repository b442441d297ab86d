import test from 'ava';
import fc from 'fast-check';
import { LineFramer, mostLineBytes } from '../../../src/dyno/log/framing.js';

function frame(pieces: readonly (string | Buffer)[]): string[] {
  const framer = new LineFramer();
  return [...pieces.flatMap((piece) => [...framer.lines(Buffer.from(piece))]), ...framer.end()];
}

test('B5: lines, however they come in pieces; the last need not be ended', (t) => {
  const rows: [pieces: string[], lines: string[]][] = [
    [['a\nb\n'], ['a', 'b']],
    [['a', 'b', '\n', 'c'], ['ab', 'c']],
    [['a\r\n\r\nb\rc\r'], ['a', '', 'b\rc']],
    [['\n\n'], ['', '']],
    [[''], []],
    [[], []],
  ];
  for (const [pieces, lines] of rows) t.deepEqual(frame(pieces), lines, JSON.stringify(pieces));
});

test('B5: a line of 25,000 bytes is three of at most 10,000, one of 10,000 is one', (t) => {
  t.deepEqual(frame(['x'.repeat(25_000) + '\nend\n']).map((line) => line.length), [10_000, 10_000, 5000, 3]);
  t.deepEqual(frame(['x'.repeat(16_385)]).map((line) => line.length), [10_000, 6385]);
  for (const end of ['', '\n']) t.deepEqual(frame([`${'x'.repeat(10_000)}${end}`]).map((line) => line.length), [10_000]);
  t.deepEqual(frame([`${'x'.repeat(10_000)}\r\ny`]).map((line) => line.length), [10_000, 1], 'the end of a line is no line');
  t.deepEqual(frame([`${'x'.repeat(20_000)}\n`]).map((line) => line.length), [10_000, 10_000]);
});

test('B5: a long line is cut between characters', (t) => {
  const line = `x${'😀'.repeat(6000)}`;
  const lines = frame([`${line}\n`]);
  t.is(lines.join(''), line);
  for (const each of lines) t.true(Buffer.byteLength(each) <= mostLineBytes.heroku);
});

test('B5: binary is text with U+FFFD, and cut all the same', (t) => {
  t.deepEqual(frame([Buffer.from([0x61, 0xff, 0x0a, 0x62])]), ['a\ufffd', 'b']);
  t.is(frame([Buffer.alloc(25_000, 0x80)]).length, 3);
  t.is(frame([Buffer.alloc(25_000, 0xff)]).join('').length, 25_000);
});

test('how a stream is cut into pieces makes no difference, and nothing is lost', (t) => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constantFrom('\n', 'a', 'ü', '😀', '\r'), fc.nat(30_000).map((length) => 'y'.repeat(length))), { maxLength: 20 }), fc.array(fc.nat(40_000), { maxLength: 10 }), (words, cuts) => {
      const whole = Buffer.from(words.join(''));
      const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
      const pieces = at.slice(1).map((end, index) => whole.subarray(at[index], end));
      t.deepEqual(frame(pieces), frame([whole]));
      const kept = frame(pieces).join('').replaceAll('\r', '');
      t.is(kept, words.join('').replaceAll(/[\r\n]/g, ''));
      return true;
    }),
    { numRuns: 100 },
  );
});

type Part = readonly [message: string, ordinal?: number, last?: boolean, id?: string];

function docker(pieces: readonly (string | Buffer)[]): Part[] {
  const framer = new LineFramer('docker');
  const part = (message: string): Part => (framer.partial === undefined ? [message] : [message, framer.partial.ordinal, framer.partial.last, framer.partial.id]);
  const parts: Part[] = [];
  for (const [index, piece] of pieces.entries()) for (const message of framer.lines(Buffer.from(piece), `p${index}`)) parts.push(part(message));
  return [...parts, ...framer.end('p').map(part)];
}

const sizes = (parts: readonly Part[]) => parts.map(([message, ...marks]) => [message.length, ...marks]);

test('B5: in docker\'s form a line of 16,385 bytes is two parts, and of 16,384 too: the buffer is full before the line break is seen', (t) => {
  t.deepEqual(sizes(docker([`${'x'.repeat(16_385)}\nshort\n`])), [[16_384, 1, false, 'p0-0'], [1, 2, true, 'p0-0'], [5]]);
  t.deepEqual(sizes(docker([`${'x'.repeat(16_384)}\n`])), [[16_384, 1, false, 'p0-0'], [0, 2, true, 'p0-0']]);
  t.deepEqual(sizes(docker([`${'x'.repeat(16_383)}\n`])), [[16_383]]);
  t.deepEqual(sizes(docker(['x'.repeat(20_000), `${'x'.repeat(20_000)}\n`, `${'y'.repeat(16_385)}\n${'z'.repeat(16_385)}\n`])), [
    [16_384, 1, false, 'p0-0'], [16_384, 2, false, 'p0-0'], [7232, 3, true, 'p0-0'],
    [16_384, 1, false, 'p2-0'], [1, 2, true, 'p2-0'], [16_384, 1, false, 'p2-1'], [1, 2, true, 'p2-1'],
  ]);
});

test('B5: in docker\'s form what ends without a line break is a part that is not the last; carriage returns stay', (t) => {
  t.deepEqual(docker(['a\r\n\nb']), [['a\r'], [''], ['b', 1, false, 'p-end']]);
  t.deepEqual(sizes(docker(['x'.repeat(16_385)])), [[16_384, 1, false, 'p0-0'], [1, 2, false, 'p0-0']]);
  t.deepEqual(sizes(docker(['x'.repeat(16_384)])), [[16_384, 1, false, 'p-end']]);
  t.deepEqual(docker(['']), []);
});

test('in docker\'s form, too, nothing is lost, and characters stay whole', (t) => {
  const whole = Buffer.from(`x${'😀'.repeat(10_000)}\n${'ü'.repeat(8192)}\n`);
  for (let cut = 16_380; cut < 16_390; cut++) {
    const parts = docker([whole.subarray(0, cut), whole.subarray(cut)]);
    t.is(parts.map(([message, , last = true]) => `${message}${last ? '\n' : ''}`).join(''), whole.toString());
    for (const [message] of parts) t.true(Buffer.byteLength(message) <= mostLineBytes.docker);
  }
});
