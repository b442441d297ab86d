import test from 'ava';
import { formatLogLine, logLineJson, timestamp, type LogLine } from '../../../src/dyno/log/line.js';
import { readQueue } from '../../../src/dyno/log/hub.js';
import { drainOverflow, localOverflow, tailOverflow, undelivered } from '../../../src/dyno/log/overflow.js';
import { LogQueue } from '../../../src/dyno/log/queue.js';
import { Turns } from '../../../src/dyno/log/turns.js';

const queueOf = (mostBytes: number, blocks = false) => new LogQueue({ mostBytes, overflow: drainOverflow, blocks });
const line = (message: string, timeMs = 0): LogLine => ({ timeMs, source: 'app', dyno: 'web.1', message });

async function readAll(queue: LogQueue): Promise<string[]> {
  const messages: string[] = [];
  for await (const { message } of readQueue(queue, new Turns())) messages.push(message);
  return messages;
}

test('the forms of a line', (t) => {
  const timeMs = Date.UTC(2010, 8, 16, 15, 13, 46, 677) + 0.02;
  t.is(timestamp(timeMs), '2010-09-16T15:13:46.677020+00:00');
  const known: LogLine = { timeMs, source: 'heroku', dyno: 'web.1', message: 'State changed from starting to up' };
  t.is(formatLogLine(known), '2010-09-16T15:13:46.677020+00:00 heroku[web.1]: State changed from starting to up');
  t.is(logLineJson(line('a\u001b"b')), '{"time":"1970-01-01T00:00:00.000000+00:00","source":"app","dyno":"web.1","message":"a\\u001b\\"b"}');
});

test('a reader gets each line once, also those that come while it waits, and the end', async (t) => {
  const queue = queueOf(1000);
  queue.push(line('a'));
  const all = readAll(queue);
  await Promise.resolve();
  queue.push(line('b'));
  queue.push(line('c'));
  queue.end();
  t.deepEqual(await all, ['a', 'b', 'c']);
});

test('B5: to who is slow the newest are kept, and what was dropped is told where it is missing: sent + dropped = produced', async (t) => {
  const queue = queueOf(100 * 66);
  const since = Date.UTC(2013, 3, 17, 19, 4, 46);
  for (let index = 0; index < 600; index++) queue.push(line(String(index % 100).padStart(2, '0'), since));
  const reader = readQueue(queue, new Turns());
  const { value: first } = await reader.next();
  t.deepEqual(first, { timeMs: since, source: 'heroku', dyno: 'logplex', message: 'Error L10 (output buffer overflow): 500 messages dropped since 2013-04-17T19:04:46+00:00.' });
  queue.push(line('yy'));
  queue.push(line('zz'));
  queue.end();
  const rest: string[] = [];
  for await (const { message } of reader) rest.push(message);
  t.is(rest.length, 101);
  t.regex(rest[0] ?? '', /: 2 messages dropped/);
  t.is(rest.filter((each) => !each.startsWith('Error')).length + 502, 602);
  t.is(rest.at(-1), 'zz');
});

test('one line is always kept, however large', async (t) => {
  const queue = queueOf(10);
  queue.push(line('x'.repeat(1000)));
  queue.end();
  t.is((await readAll(queue))[0]?.length, 1000);
});

test('what was read is let go of', async (t) => {
  const queue = queueOf(1e6);
  const reader = readQueue(queue, new Turns());
  for (let round = 0; round < 5000; round++) {
    queue.push(line(String(round)));
    const { value } = await reader.next();
    t.is(value?.message, String(round));
  }
});

test('what the log says of its losses, to the letter', (t) => {
  const loss = { count: 222, sinceMs: Date.UTC(2013, 10, 4, 21, 31, 32, 125) + 0.756, timeMs: 1 };
  t.deepEqual([drainOverflow, tailOverflow, localOverflow, undelivered].map((overflow) => formatLogLine(overflow(loss)).slice(33)), [
    'heroku[logplex]: Error L10 (output buffer overflow): 222 messages dropped since 2013-11-04T21:31:32+00:00.',
    'heroku[logplex]: L11 (Tail buffer overflow) -> This tail session dropped 222 messages since 2013-11-04T21:31:32+00:00',
    'app[log-shuttle]: Error L12: 222 messages dropped since 2013-11-04T21:31:32.125756+00:00.',
    'app[log-shuttle]: Error L13: 222 messages lost since 2013-11-04T21:31:32.125756+00:00.',
  ]);
});

test('a queue that blocks drops nothing, and says when there is room', async (t) => {
  const queue = queueOf(100 * 66, true);
  t.is(queue.room(), undefined);
  for (let index = 0; index < 200; index++) queue.push(line('xx'));
  const room = queue.room()?.then(() => queue.length);
  t.not(room, undefined);
  while (queue.length > 20) queue.take();
  t.is(await room, 20);
  t.is(queue.room(), undefined);
  for (let index = 0; index < 200; index++) queue.push(line('xx'));
  const ended = queue.room();
  queue.end();
  await ended;
  t.deepEqual([queue.length, queue.dropped, queue.room()], [220, 0, undefined]);
});

test('who waits for several lines gets on with fewer when it is woken', async (t) => {
  const queue = queueOf(1000);
  let isReady = false;
  const ready = queue.ready(3).then(() => (isReady = true));
  queue.push(line('a'));
  queue.push(line('b'));
  await Promise.resolve();
  t.false(isReady);
  queue.push(line('c'));
  await ready;
  const woken = queue.ready(10);
  queue.wake();
  await woken;
  t.is(queue.length, 3);
});
