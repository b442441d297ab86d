import test from 'ava';
import { formatLogLine, logLineJson, timestamp, type LogLine } from '../../../src/dyno/log/line.js';
import { LogQueue } from '../../../src/dyno/log/queue.js';

const line = (message: string, timeMs = 0): LogLine => ({ timeMs, source: 'app', dyno: 'web.1', message });

async function readAll(queue: LogQueue): Promise<string[]> {
  const messages: string[] = [];
  for await (const { message } of queue.read()) messages.push(message);
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
  const queue = new LogQueue(1000);
  queue.push(line('a'));
  const all = readAll(queue);
  await Promise.resolve();
  queue.push(line('b'));
  queue.push(line('c'));
  queue.end();
  t.deepEqual(await all, ['a', 'b', 'c']);
});

test('B5: to who is slow the newest are kept, and what was dropped is told where it is missing: sent + dropped = produced', async (t) => {
  const queue = new LogQueue(100 * 66);
  const since = Date.UTC(2013, 3, 17, 19, 4, 46);
  for (let index = 0; index < 600; index++) queue.push(line(String(index % 100).padStart(2, '0'), since));
  const reader = queue.read();
  const { value: first } = await reader.next();
  t.deepEqual(first, { timeMs: since, source: 'heroku', dyno: 'logplex', message: 'Error L10 (output buffer overflow): 500 messages dropped since 2013-04-17T19:04:46.000000+00:00.' });
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
  const queue = new LogQueue(10);
  queue.push(line('x'.repeat(1000)));
  queue.end();
  t.is((await readAll(queue))[0]?.length, 1000);
});

test('what was read is let go of', async (t) => {
  const queue = new LogQueue(1e6);
  const reader = queue.read();
  for (let round = 0; round < 5000; round++) {
    queue.push(line(String(round)));
    const { value } = await reader.next();
    t.is(value?.message, String(round));
  }
});
