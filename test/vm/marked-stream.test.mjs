import test from 'ava';
import { MarkedStream } from './marked-stream.mjs';

const marker = 'abcabcab';

function feed(chunks) {
  const passed = [];
  const stream = new MarkedStream(marker, (bytes) => passed.push(Buffer.from(bytes)));
  const statuses = chunks.map((chunk) => stream.push(Buffer.from(chunk, 'latin1')));
  return { text: Buffer.concat(passed).toString('latin1'), status: statuses.at(-1) };
}

test('what stands before the marker is passed on, what follows is the status', (t) => {
  t.deepEqual(feed([`hello${marker}7\n`]), { text: 'hello', status: 7 });
  t.deepEqual(feed([`${marker}0\n`]), { text: '', status: 0 });
});

test('odd bytes and beginnings of the marker are only bytes', (t) => {
  const odd = `\0\xff\r\n${marker.slice(0, -1)}\n\x1b[2Jabcabcaabcabc.`;
  t.deepEqual(feed([`${odd}${marker}255\n`]), { text: odd, status: 255 });
});

test('every way of cutting the bytes gives the same', (t) => {
  const whole = `ab${marker.slice(0, 5)}${marker}42\n`;
  for (let size = 1; size <= whole.length; size += 1) {
    const chunks = Array.from({ length: Math.ceil(whole.length / size) }, (_, index) => whole.slice(index * size, (index + 1) * size));
    t.deepEqual(feed(chunks), { text: 'ababcab', status: 42 }, `chunks of ${size}`);
  }
});

test('only a possible beginning of the marker is held back', (t) => {
  t.deepEqual(feed(['line\n']), { text: 'line\n', status: undefined });
  t.deepEqual(feed(['line abc']), { text: 'line ', status: undefined });
  t.deepEqual(feed([`line${marker}1`]), { text: 'line', status: undefined });
});
