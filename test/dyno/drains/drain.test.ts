// Buffers, tries and losses, with time that goes on when it is told to.
import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { Drain } from '../../../src/dyno/drains/drain.js';
import { DeliveryError, type Batch, type Sink, type SinkLimits } from '../../../src/dyno/drains/sink.js';
import { LogHub } from '../../../src/dyno/log/hub.js';
import type { LogLine } from '../../../src/dyno/log/line.js';
import { drainOverflow } from '../../../src/dyno/log/overflow.js';
import { LogQueue } from '../../../src/dyno/log/queue.js';
import { FakeClock } from '../fake-clock.js';

type Answer = Error | undefined | Promise<void>;

class Bench {
  readonly clock = new FakeClock();
  readonly hub = new LogHub();
  readonly tries: Batch[] = [];
  readonly changes: string[] = [];
  readonly told: string[] = [];
  readonly drain: Drain;
  readonly queue: LogQueue;
  signal: AbortSignal | undefined;
  #ids = 0;

  constructor(answer: (batch: Batch, tries: number) => Answer = () => undefined, limits: Partial<SinkLimits> = {}, mostBytes = 1e6) {
    const sink: Sink = {
      limits: { mostLines: 500, gatherMs: 0, ...limits },
      deliver: async (batch, signal) => {
        this.tries.push(batch);
        this.signal = signal;
        const said = answer(batch, this.tries.length);
        if (said instanceof Error) throw said;
        await said;
        signal.throwIfAborted();
      },
      close: () => undefined,
    };
    this.queue = new LogQueue({ mostBytes, overflow: drainOverflow });
    this.hub.attach(this.queue);
    this.drain = new Drain({
      name: 'syslog+tls://logs.example.com:6514/', token: 'd.1', sink, queue: this.queue, hub: this.hub, clock: this.clock,
      newId: () => `frame-${this.#ids++}`,
      changed: (state, lost, error) => this.changes.push(`${state} ${lost} ${error?.message ?? ''}`),
    });
    void this.#read();
  }

  write(...messages: string[]): void {
    for (const message of messages) this.hub.write({ timeMs: this.clock.now(), source: 'app', dyno: 'web.1', message });
  }

  /** All that follows without time. */
  async settle(): Promise<void> {
    for (let round = 0; round < 20; round++) await setImmediate();
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }

  messages(index: number): string[] {
    return this.tries[index]?.lines.map(({ message }) => message) ?? [];
  }

  get figures(): number[] {
    const { delivered, dropped, lost, held } = this.drain;
    return [delivered, dropped, lost, held];
  }

  async #read(): Promise<void> {
    for await (const { source, dyno, message } of this.hub.read()) if (dyno !== 'web.1') this.told.push(`${source}[${dyno}]: ${message}`);
  }
}

test('what comes together goes together: after 250 ms, or as soon as a batch is full', async (t) => {
  const bench = new Bench(undefined, { gatherMs: 250, mostLines: 3 });
  bench.write('a');
  await bench.settle();
  bench.write('b');
  await bench.pass(249);
  t.is(bench.tries.length, 0);
  await bench.pass(1);
  t.deepEqual(bench.messages(0), ['a', 'b']);
  bench.write('c', 'd', 'e', 'f');
  await bench.settle();
  t.deepEqual(bench.messages(1), ['c', 'd', 'e']);
  await bench.pass(250);
  t.deepEqual(bench.messages(2), ['f']);
  t.deepEqual(bench.figures, [6, 0, 0, 0]);
  t.is(bench.clock.pending, 0);
});

test('B8: a failed try is repeated with the same frame id, after a second, two, four; what was taken is not sent again', async (t) => {
  const bench = new Bench((_, tries) => (tries <= 3 ? new Error('no') : undefined));
  bench.write('a');
  await bench.settle();
  for (const [ms, tries] of [[999, 1], [1, 2], [1999, 2], [1, 3], [3999, 3], [1, 4]] as const) {
    await bench.pass(ms);
    t.is(bench.tries.length, tries);
  }
  bench.write('b');
  await bench.settle();
  t.deepEqual(bench.tries.map(({ id, lines }) => `${id} ${lines.map(({ message }) => message).join()}`), ['frame-0 a', 'frame-0 a', 'frame-0 a', 'frame-0 a', 'frame-1 b']);
  t.deepEqual(bench.changes, ['failing 0 syslog+tls://logs.example.com:6514/: no', 'working 0 ']);
  t.deepEqual(bench.figures, [2, 0, 0, 0]);
});

test('what is refused is lost at once, and told: to readers, and in the stream when it flows again', async (t) => {
  const bench = new Bench((_, tries) => (tries <= 2 ? new DeliveryError('status 400', { isPermanent: true }) : undefined));
  bench.write('a', 'b');
  await bench.settle();
  bench.write('c');
  await bench.pass(1000);
  t.is(bench.tries.length, 2);
  await bench.pass(2000);
  bench.write('d');
  await bench.settle();
  t.deepEqual(bench.messages(2), ['Error L13: 3 messages lost since 2026-01-01T00:00:00.000000+00:00.', 'd']);
  t.deepEqual(bench.told, [
    'app[log-shuttle]: Error L13: 2 messages lost since 2026-01-01T00:00:00.000000+00:00.',
    'app[log-shuttle]: Error L13: 1 messages lost since 2026-01-01T00:00:00.000000+00:00.',
  ]);
  t.deepEqual(bench.changes, ['failing 2 status 400', 'failing 1 status 400', 'working 0 ']);
  t.deepEqual(bench.figures, [1, 0, 3, 0]);
});

test('ten tries in vain are enough; in the meantime the newest lines are kept: sent + dropped + lost = produced', async (t) => {
  let isUp = false;
  const bench = new Bench(() => (isUp ? undefined : new Error('no')), {}, 100 * 66);
  bench.write('00');
  await bench.settle();
  for (let count = 1; count < 300; count++) bench.write(String(count % 100).padStart(2, '0'));
  for (let round = 0; bench.drain.lost === 0 && round < 400; round++) await bench.pass(1000);
  t.is(bench.tries.length, 10);
  t.deepEqual(bench.figures, [0, 199, 1, 100]);
  isUp = true;
  await bench.pass(60_000);
  t.deepEqual(bench.messages(10).slice(0, 3), [
    'Error L13: 1 messages lost since 2026-01-01T00:00:00.000000+00:00.',
    'Error L10 (output buffer overflow): 199 messages dropped since 2026-01-01T00:00:00+00:00.',
    '00',
  ]);
  t.deepEqual(bench.figures, [100, 199, 1, 0]);
});

test('a receiver may say when', async (t) => {
  const bench = new Bench((_, tries) => (tries === 1 ? new DeliveryError('status 503', { retryAfterMs: 7000 }) : undefined));
  bench.write('a');
  await bench.settle();
  await bench.pass(6999);
  t.is(bench.tries.length, 1);
  await bench.pass(1);
  t.is(bench.drain.delivered, 1);
});

test('a try that takes too long is ended, and repeated', async (t) => {
  const bench = new Bench((_, tries) => (tries === 1 ? new Promise(() => undefined) : undefined), { tryMs: 30_000 });
  bench.write('a');
  await bench.settle();
  await bench.pass(30_000);
  t.true(bench.changes[0]?.endsWith('it took too long'));
  await bench.pass(1000);
  t.deepEqual(bench.figures, [1, 0, 0, 0]);
});

test('a bad certificate is told once, as L14, and to readers alone', async (t) => {
  const failure = Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
  const bench = new Bench(() => failure);
  bench.write('a');
  await bench.settle();
  for (let round = 0; round < 3; round++) await bench.pass(4000);
  t.deepEqual(bench.told, ['heroku[logplex]: Error L14 (certificate validation): error="bad certificate" uri="syslog+tls://logs.example.com:6514/"']);
  t.true(bench.tries.length > 2);
  t.is(bench.drain.held, 1);
});

test('at the end all that waits is delivered, without gathering', async (t) => {
  const bench = new Bench(undefined, { gatherMs: 250, mostLines: 2 });
  bench.write('a', 'b', 'c');
  await bench.drain.end(5000);
  t.deepEqual(bench.figures, [3, 0, 0, 0]);
  t.is(bench.drain.state, 'ended');
  t.is(bench.clock.pending, 0);
  bench.write('d');
  t.is(bench.drain.held, 0);
});

test('at the end a drain that fails has one more try, and one that hangs its grace', async (t) => {
  const failing = new Bench(() => new Error('no'));
  failing.write('a');
  await failing.settle();
  await failing.drain.end(5000);
  t.is(failing.tries.length, 2);
  t.deepEqual(failing.figures, [0, 0, 1, 0]);
  const hanging = new Bench(() => new Promise(() => undefined), { mostLines: 1 });
  hanging.write('a', 'b');
  await hanging.settle();
  const ended = hanging.drain.end(5000);
  await hanging.pass(4999);
  t.not(hanging.drain.state, 'ended');
  await hanging.pass(1);
  await ended;
  t.deepEqual(hanging.figures, [0, 0, 2, 0]);
  t.is(hanging.tries.length, 1);
});

test('two drains that both fail do not tell each other', async (t) => {
  const bench = new Bench(() => new DeliveryError('status 401', { isPermanent: true }));
  const other = new LogQueue({ mostBytes: 1000, overflow: drainOverflow });
  bench.hub.attach(other);
  bench.write('a');
  await bench.settle();
  const lines: (LogLine | undefined)[] = [other.take(), other.take()];
  t.deepEqual(lines.map((line) => line?.message), ['a', undefined]);
});
