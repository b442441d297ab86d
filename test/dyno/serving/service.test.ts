import { once } from 'node:events';
import { connect, type Server, type Socket } from 'node:net';
import test from 'ava';
import { Service, type ServiceSettings } from '../../../src/dyno/serving/service.js';
import { until } from '../../support/until.js';
import { FakeClock } from '../fake-clock.js';
import { dial, errorOf, FakeDyno, listen, portOf, readAll } from './sockets.js';

const servers: Server[] = [];
test.after.always(() => {
  for (const server of servers) server.close();
});

/** A program that says its name, and then what it is told. */
async function dynoOf(name: string): Promise<FakeDyno> {
  const server = await listen((socket) => {
    socket.write(`${name}\n`);
    socket.pipe(socket);
  });
  servers.push(server);
  return new FakeDyno(name, portOf(server));
}

class Rig {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly service: Service;
  dynos: FakeDyno[];
  #port = 0;
  #served: Promise<void>[] = [];

  constructor(dynos: FakeDyno[], settings: Partial<ServiceSettings> = {}) {
    this.dynos = dynos;
    this.service = new Service({ type: 'web', clock: this.clock, backends: () => this.dynos, log: (line) => this.lines.push(line), ...settings });
  }

  async dial(): Promise<Socket> {
    if (this.#port === 0) {
      const server = await listen((socket) => this.#served.push(this.service.serve(socket, { port: 5000, waitMs: 75_000 })));
      servers.push(server);
      this.#port = portOf(server);
    }
    const before = this.#served.length;
    const socket = connect({ port: this.#port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    await until(() => this.#served.length > before, 'the connection to be taken');
    return socket;
  }

  /** Whose it is; what comes before the first line break. */
  async dialDyno(): Promise<{ readonly socket: Socket; readonly name: string }> {
    const socket = await this.dial();
    return { socket, name: await nameOn(socket) };
  }

  async over(): Promise<void> {
    await Promise.all(this.#served);
  }

  become(dyno: FakeDyno, state: FakeDyno['state'], prospect: FakeDyno['prospect']): void {
    dyno.become(state, prospect);
    this.service.changed();
  }
}

async function nameOn(socket: Socket): Promise<string> {
  const said: unknown[] = await once(socket, 'data');
  return String(said[0]).trim();
}

async function isReset(socket: Socket): Promise<boolean> {
  return (await errorOf(socket)) !== undefined;
}

test('connections go to the dyno that has the fewest, each once around; what is free again is used again', async (t) => {
  const rig = new Rig(await Promise.all(['web.1', 'web.2', 'web.3'].map(async (name) => dynoOf(name))));
  const open = [await rig.dialDyno(), await rig.dialDyno(), await rig.dialDyno()] as const;
  t.deepEqual(open.map(({ name }) => name).sort(), ['web.1', 'web.2', 'web.3']);
  open[1].socket.end();
  await readAll(open[1].socket);
  const again = await rig.dialDyno();
  t.is(again.name, open[1].name);
  for (const { socket } of [...open, again]) socket.destroy();
  await rig.over();
  t.deepEqual(rig.lines, []);
});

test('a connection waits for a dyno that is starting', async (t) => {
  const dyno = await dynoOf('web.1');
  dyno.become('starting', 'comes');
  const rig = new Rig([dyno]);
  const socket = await rig.dial();
  socket.end('hello');
  rig.clock.advance(60_000);
  t.deepEqual(dyno.said, []);
  rig.become(dyno, 'up', 'serves');
  t.is(await readAll(socket), 'web.1\nhello');
  t.deepEqual(dyno.said, ['connect 5000']);
  await rig.over();
  t.is(rig.clock.pending, 0);
});

test('one that waits for too long is reset: H20', async (t) => {
  const dyno = await dynoOf('web.1');
  dyno.become('starting', 'comes');
  const rig = new Rig([dyno]);
  const socket = await rig.dial();
  rig.clock.advance(74_999);
  t.deepEqual(rig.lines, []);
  rig.clock.advance(1);
  t.true(await isReset(socket));
  t.deepEqual(rig.lines, ['at=error code=H20 desc="App boot timeout" fwd="127.0.0.1" dyno=']);
});

test('where none is to come a connection is reset at once: H10 after a crash, H14 where there is none', async (t) => {
  const dyno = await dynoOf('web.1');
  dyno.become('crashed', 'none');
  const rig = new Rig([dyno]);
  t.true(await isReset(await rig.dial()));
  dyno.become('crashed', 'comes');
  dyno.nextRestartAtMs = rig.clock.now() + 75_001;
  t.true(await isReset(await rig.dial()), 'it is not for long');
  rig.dynos = [];
  t.true(await isReset(await rig.dial()));
  t.deepEqual(rig.lines.map((line) => /H\d\d/.exec(line)?.[0]), ['H10', 'H10', 'H14']);
});

test('one that waits is told when what it waits for crashes, and is served where that starts again soon', async (t) => {
  const dyno = await dynoOf('web.1');
  dyno.become('starting', 'comes');
  const rig = new Rig([dyno]);
  const first = await rig.dial();
  dyno.nextRestartAtMs = rig.clock.now() + 100;
  rig.become(dyno, 'crashed', 'comes');
  dyno.nextRestartAtMs = undefined;
  rig.become(dyno, 'starting', 'comes');
  rig.become(dyno, 'up', 'serves');
  t.is(await nameOn(first), 'web.1');
  rig.become(dyno, 'starting', 'comes');
  const second = await rig.dial();
  rig.become(dyno, 'crashed', 'none');
  t.true(await isReset(second));
  t.regex(rig.lines.join('\n'), /H10/);
  first.destroy();
  await rig.over();
});

test('one that refuses is passed over; where all refuse it is H21, unless one comes', async (t) => {
  const [deaf, good] = [new FakeDyno('web.1'), await dynoOf('web.2')];
  const rig = new Rig([deaf, good]);
  const served = [await rig.dialDyno(), await rig.dialDyno()];
  t.deepEqual(served.map(({ name }) => name), ['web.2', 'web.2']);
  t.true(deaf.said.length > 0);
  for (const { socket } of served) socket.destroy();
  rig.dynos = [deaf];
  const refused = await rig.dial();
  await until(() => rig.clock.pending > 0, 'it to be refused');
  rig.clock.advance(1000);
  t.true(await isReset(refused));
  t.deepEqual(rig.lines, ['at=error code=H21 desc="Backend connection refused" fwd="127.0.0.1" dyno=']);
  const waits = await rig.dial();
  await until(() => rig.clock.pending > 0, 'it to be refused');
  rig.become(deaf, 'starting', 'comes');
  rig.clock.advance(30_000);
  deaf.port = good.port;
  rig.become(deaf, 'up', 'serves');
  t.is(await nameOn(waits), 'web.2');
  waits.destroy();
  await rig.over();
});

test('one that does not answer is left after five seconds: H19', async (t) => {
  const dyno = new FakeDyno('web.1');
  const asked: ((socket: Socket) => void)[] = [];
  const silent = Object.assign(dyno, { connect: async () => new Promise<Socket>((resolve) => asked.push(resolve)) });
  const rig = new Rig([silent]);
  const socket = await rig.dial();
  rig.clock.advance(5000);
  await until(() => rig.clock.pending > 0, 'it to be refused');
  rig.clock.advance(1000);
  t.true(await isReset(socket));
  t.regex(rig.lines.join('\n'), /code=H19 desc="Backend connection timeout"/);
  const late = await dynoOf('late');
  const answer = await dial(late.port ?? 0);
  asked[0]?.(answer);
  await until(() => answer.destroyed, 'what comes late to be closed');
});

test('a client that goes while it waits is forgotten', async (t) => {
  const dyno = await dynoOf('web.1');
  dyno.become('starting', 'comes');
  const rig = new Rig([dyno]);
  (await rig.dial()).resetAndDestroy();
  await rig.over();
  t.is(rig.clock.pending, 0);
  rig.become(dyno, 'up', 'serves');
  t.deepEqual([dyno.said, rig.lines], [[], []]);
});

test('a dyno that is drained gets nothing new, and has until its connections are over, or its time', async (t) => {
  const [old, other] = await Promise.all([dynoOf('web.1'), dynoOf('web.2')]);
  const rig = new Rig([old]);
  const first = await rig.dialDyno();
  rig.dynos = [old, other];
  let isDrained = false;
  const drained = rig.service.drain(old, 30_000).then(() => (isDrained = true));
  const more = [await rig.dialDyno(), await rig.dialDyno()];
  t.deepEqual(more.map(({ name }) => name), ['web.2', 'web.2']);
  t.false(isDrained);
  first.socket.end();
  await drained;
  const late = rig.service.drain(other, 30_000);
  rig.clock.advance(30_000);
  await late;
  for (const { socket } of more) socket.destroy();
  await rig.over();
  t.is(rig.clock.pending, 0);
});

test('a program that ends: what it said last arrives, and what is half open is reset', async (t) => {
  const dyno = await dynoOf('web.1');
  const rig = new Rig([dyno]);
  const { socket } = await rig.dialDyno();
  const server = await listen((accepted) => accepted.end('last words'));
  servers.push(server);
  dyno.port = portOf(server);
  const half = await rig.dial();
  t.is(await readAll(half), 'last words');
  rig.become(dyno, 'crashed', 'none');
  // Who has heard the end reads no more, and learns of a reset by writing.
  await until(() => half.destroyed || !half.write('anybody?'), 'the connection to be reset');
  t.true(await isReset(half));
  socket.destroy();
  await rig.over();
});

test('dynos sleep when nobody has wanted anything for so long; the next connection wakes them and waits', async (t) => {
  const dyno = await dynoOf('web.1');
  const rig = new Rig([dyno], { idleAfterMs: 1000 });
  rig.service.changed();
  rig.clock.advance(999);
  const { socket } = await rig.dialDyno();
  rig.clock.advance(10_000);
  t.deepEqual(dyno.said, ['connect 5000'], 'as long as there is one');
  socket.destroy();
  await rig.over();
  rig.clock.advance(999);
  rig.service.changed();
  t.deepEqual(dyno.said, ['connect 5000']);
  rig.clock.advance(1);
  t.deepEqual(dyno.said, ['connect 5000', 'sleep']);
  rig.service.changed();
  rig.clock.advance(10_000);
  const next = await rig.dial();
  t.deepEqual(dyno.said.slice(2), ['wake']);
  rig.become(dyno, 'up', 'serves');
  t.is(await nameOn(next), 'web.1');
  next.destroy();
  await rig.over();
  rig.service.close();
  t.is(rig.clock.pending, 0);
});

test('when it is closed nobody waits any longer, and nothing is said of it', async (t) => {
  const dyno = await dynoOf('web.1');
  const rig = new Rig([dyno]);
  const open = await rig.dialDyno();
  dyno.become('starting', 'comes');
  const waits = await rig.dial();
  rig.service.close();
  t.true(await isReset(waits));
  t.false(open.socket.destroyed);
  rig.service.reset();
  t.true(await isReset(open.socket));
  t.deepEqual(rig.lines, []);
});
