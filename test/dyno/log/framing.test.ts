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
  for (const each of lines) t.true(Buffer.byteLength(each) <= mostLineBytes);
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
