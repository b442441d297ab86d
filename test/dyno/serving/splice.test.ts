import { once } from 'node:events';
import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { reset, splice } from '../../../src/dyno/serving/splice.js';
import { until } from '../../support/until.js';
import { errorOf, pair, readAll } from './sockets.js';

async function spliced() {
  const [left, right] = await Promise.all([pair(), pair()]);
  return { client: left.near, dyno: right.near, over: splice(left.far, right.far), inner: [left.far, right.far] as const };
}

test('what one says the other hears, and the end of each direction for itself', async (t) => {
  const { client, dyno, over } = await spliced();
  client.end('question');
  t.is(await readAll(dyno), 'question');
  t.true(dyno.writable, 'half of it is open');
  dyno.end('answer');
  t.is(await readAll(client), 'answer');
  await over;
});

test('the other half goes on when the dyno has ended its own', async (t) => {
  const { client, dyno, over } = await spliced();
  dyno.end('hello');
  t.is(await readAll(client), 'hello');
  client.end('late');
  t.is(await readAll(dyno), 'late');
  await over;
});

test('a reset of one resets the other', async (t) => {
  for (const which of ['client', 'dyno'] as const) {
    const both = await spliced();
    const other = both[which === 'client' ? 'dyno' : 'client'];
    reset(both[which]);
    t.like(await errorOf(other), { code: 'ECONNRESET' }, which);
    await both.over;
  }
});

test('one that is gone already is no connection', async (t) => {
  const [left, right] = await Promise.all([pair(), pair()]);
  left.far.destroy();
  await once(left.far, 'close');
  const [error] = await Promise.all([errorOf(right.near), splice(left.far, right.far)]);
  t.like(error, { code: 'ECONNRESET' });
});

test('of what is not read no more is taken than the streams hold', async (t) => {
  const { client, dyno, over, inner } = await spliced();
  client.pause();
  const piece = Buffer.alloc(2 ** 20);
  let sent = 0;
  // The kernel's own buffers hold some megabytes.
  for (let still = 0; still < 200 && sent < 64 * piece.length; still++) {
    if (dyno.writableLength === 0) {
      dyno.write(piece);
      [sent, still] = [sent + piece.length, 0];
    }
    await turn();
  }
  t.true(sent < 32 * piece.length, String(sent));
  for (const socket of inner) t.true(socket.writableLength + socket.readableLength < piece.length);
  dyno.end();
  let read = 0;
  client.on('data', (data: Buffer) => (read += data.length)).resume();
  await until(() => read === sent, 'all of it to arrive');
  client.end();
  await over;
});
