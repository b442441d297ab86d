import { setTimeout as delay } from 'node:timers/promises';
import type { Socket } from 'node:net';
import test from 'ava';
import { Links } from '../../../src/dyno/serving/links.js';
import { until } from '../../support/until.js';
import { FakeClock } from '../fake-clock.js';
import { dial, FakeDyno, listen, pair, portOf } from './sockets.js';

/** Far more than the kernel holds for two connections. */
const spoken = Buffer.alloc(64 * 2 ** 20, 'x');

/** Nothing more comes of a program. */
async function rest(socket: Socket): Promise<void> {
  for (let before = -1; before !== socket.bytesRead;) {
    before = socket.bytesRead;
    await delay(200);
  }
}

test('of what a program said last a client has what it reads in time, half a minute each time, by the clock', async (t) => {
  const clock = new FakeClock();
  const links = new Links(clock);
  const server = await listen((socket) => socket.end(spoken));
  const backend = new FakeDyno('web.1', portOf(server));
  const { near: client, far } = await pair();
  const dyno = await dial(portOf(server));
  const passed = links.pass(links.add(backend, far), dyno);
  await rest(dyno);
  t.is(clock.pending, 0, 'while the program runs there is time');
  backend.container = undefined;
  for (let change = 0; change < 20; change++) links.cutOrphans();
  t.deepEqual([clock.pending, dyno.listenerCount('end')], [1, 3], 'however often something becomes of dynos');
  const before = dyno.bytesRead;
  client.resume();
  await until(() => dyno.bytesRead > before, 'the client to read on');
  client.pause();
  clock.advance(30_000);
  t.is(clock.pending, 1, 'it has read something');
  await rest(dyno);
  clock.advance(30_000);
  t.is(clock.pending, 1, 'and may have read it late');
  clock.advance(30_000);
  t.is(clock.pending, 0);
  await passed;
  // A reset that comes with data unread is told as an end by libuv (uv__stream_io, POLLHUP).
  const over = new Promise((resolve) => {
    for (const event of ['end', 'close']) client.once(event, resolve);
  });
  client.resume();
  await over;
  t.true(client.bytesRead < spoken.length);
  client.destroy();
  server.close();
});
