import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { LogCopy } from '../../../src/dyno/log/copy.js';
import { Turns } from '../../../src/dyno/log/turns.js';

test('all that is printed is passed on, in slices between which others have their turn', async (t) => {
  const stream = new PassThrough();
  let count = 0;
  const copy = new LogCopy({ turns: new Turns(), room: () => undefined }, () => count++);
  const done = copy.from(stream);
  const lines = 500_000;
  const seen = new Set<number>();
  stream.end('y\n'.repeat(lines));
  while (count < lines) {
    seen.add(count);
    await setImmediate();
  }
  await done;
  t.is(count, lines);
  t.true(seen.size > 10, `${seen.size} slices`);
});

test('a program whose log has no room is not read, until it has ended', async (t) => {
  const stream = new PassThrough();
  const messages: string[] = [];
  let makeRoom: () => void = () => undefined;
  let room: Promise<void> | undefined = new Promise((resolve) => {
    makeRoom = resolve;
  });
  const copy = new LogCopy({ turns: new Turns(), room: () => room }, (message) => messages.push(message));
  const done = copy.from(stream);
  stream.write('a\n');
  await setImmediate();
  t.deepEqual(messages, []);
  room = undefined;
  makeRoom();
  while (messages.length === 0) await setImmediate();
  room = new Promise(() => undefined);
  stream.write('b\n');
  await setImmediate();
  await setImmediate();
  t.deepEqual(messages, ['a']);
  copy.hurry();
  stream.end('c');
  await done;
  t.deepEqual(messages, ['a', 'b', 'c']);
});

test('in docker\'s form parts of a line are marked, with ids of no other line', async (t) => {
  const stream = new PassThrough();
  const said: unknown[] = [];
  const copy = new LogCopy({ turns: new Turns(), room: () => undefined }, (message, partial) => said.push([message.length, partial]), { form: 'docker', mark: '7-stdout' });
  const done = copy.from(stream);
  stream.write(`${'x'.repeat(16_385)}\n`);
  while (said.length < 2) await setImmediate();
  stream.end('y');
  await done;
  t.deepEqual(said, [
    [16_384, { id: '7-stdout-0-0', ordinal: 1, last: false }],
    [1, { id: '7-stdout-0-0', ordinal: 2, last: true }],
    [1, { id: '7-stdout-end', ordinal: 1, last: false }],
  ]);
});
