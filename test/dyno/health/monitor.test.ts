import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { HealthMonitor, type MonitorSettings } from '../../../src/dyno/health/monitor.js';
import { FakeClock } from '../fake-clock.js';

/** A check that answers what it is told to; what it said when, in seconds. */
class Rig {
  readonly clock = new FakeClock();
  readonly #startMs = this.clock.now();
  readonly said: string[] = [];
  readonly signals: AbortSignal[] = [];
  /** `never`: none. */
  answer: string | undefined;
  readonly monitor: HealthMonitor;

  constructor(settings: Partial<MonitorSettings> = {}) {
    this.monitor = new HealthMonitor({
      clock: this.clock,
      initialDelayMs: 0,
      intervalMs: 10_000,
      timeoutMs: 5000,
      retries: 3,
      startPeriodMs: 0,
      startIntervalMs: 10_000,
      probe: async (signal) => {
        this.said.push(`${this.#seconds()} ?`);
        this.signals.push(signal);
        if (this.answer === 'never') await new Promise(() => undefined);
        return this.answer;
      },
      changed: (status, why) => this.said.push(`${this.#seconds()} ${status}${why === undefined ? '' : `: ${why}`}`),
      ...settings,
    });
  }

  async pass(seconds: number): Promise<void> {
    for (let ms = 0; ms <= seconds * 1000; ms += 500) {
      this.clock.advance(ms === 0 ? 0 : 500);
      await setImmediate();
    }
  }

  take(): string[] {
    return this.said.splice(0);
  }

  #seconds(): number {
    return (this.clock.now() - this.#startMs) / 1000;
  }
}

test('it is asked at intervals; the first answer that is well makes it healthy', async (t) => {
  const rig = new Rig({ initialDelayMs: 2000 });
  rig.monitor.begin();
  t.is(rig.monitor.status, 'starting');
  await rig.pass(25);
  t.deepEqual(rig.take(), ['2 ?', '2 healthy', '12 ?', '22 ?']);
});

test('so many failures in a row make it unhealthy, and one answer makes it well again', async (t) => {
  const rig = new Rig();
  rig.monitor.begin();
  await rig.pass(0);
  rig.answer = 'status 503';
  await rig.pass(20);
  t.is(rig.monitor.failures, 2);
  rig.answer = undefined;
  await rig.pass(10);
  rig.answer = 'status 503';
  await rig.pass(30);
  t.deepEqual([rig.monitor.status, rig.monitor.failures, rig.monitor.lastFailure], ['unhealthy', 3, 'status 503']);
  await rig.pass(10);
  rig.answer = undefined;
  await rig.pass(10);
  t.deepEqual(rig.take().filter((line) => !line.endsWith('?')), ['0 healthy', '60 unhealthy: status 503', '80 healthy']);
  t.is(rig.monitor.failures, 0);
});

test('an answer that does not come is a failure, and who asks is told to leave off', async (t) => {
  const rig = new Rig({ retries: 1 });
  rig.answer = 'never';
  rig.monitor.begin();
  await rig.pass(4.5);
  t.false(rig.signals[0]?.aborted);
  await rig.pass(1);
  t.true(rig.signals[0]?.aborted);
  t.deepEqual(rig.take(), ['0 ?', '5 unhealthy: no answer within 5 s']);
  await rig.pass(10);
  t.deepEqual(rig.take(), ['15 ?'], 'an interval after the answer that did not come');
});

test('what is thrown is a failure', async (t) => {
  const rig = new Rig({ retries: 1, probe: async () => Promise.reject(new Error('it takes no connection')) });
  rig.monitor.begin();
  await rig.pass(0);
  t.deepEqual(rig.take(), ['0 unhealthy: it takes no connection']);
});

test('in the start period failures do not count, and it is asked more often, until it passes once', async (t) => {
  const rig = new Rig({ startPeriodMs: 20_000, startIntervalMs: 5000, retries: 2 });
  rig.answer = 'no';
  rig.monitor.begin();
  await rig.pass(41);
  t.deepEqual(rig.take(), ['0 ?', '5 ?', '10 ?', '15 ?', '20 ?', '30 ?', '30 unhealthy: no', '40 ?']);
  const passed = new Rig({ startPeriodMs: 20_000, startIntervalMs: 5000, retries: 2 });
  passed.monitor.begin();
  await passed.pass(0);
  passed.answer = 'no';
  await passed.pass(31);
  t.deepEqual(passed.take(), ['0 ?', '0 healthy', '10 ?', '20 ?', '20 unhealthy: no', '30 ?']);
});

test('one that ends asks no more, and what comes then does not count; the next program starts anew', async (t) => {
  const rig = new Rig({ retries: 1 });
  rig.answer = 'no';
  rig.monitor.begin();
  await rig.pass(0);
  rig.answer = 'never';
  await rig.pass(10);
  rig.monitor.end();
  t.true(rig.signals[1]?.aborted);
  await rig.pass(100);
  t.deepEqual(rig.take(), ['0 ?', '0 unhealthy: no', '10 ?']);
  t.is(rig.clock.pending, 0);
  rig.answer = undefined;
  rig.monitor.begin();
  t.deepEqual([rig.monitor.status, rig.monitor.failures, rig.monitor.lastFailure], ['starting', 0, undefined]);
  await rig.pass(0);
  t.deepEqual(rig.take(), ['110 ?', '110 healthy']);
});

test('who hears of a change may end it', async (t) => {
  const rig: Rig = new Rig({ retries: 1, changed: () => {
    rig.monitor.end();
  } });
  rig.answer = 'no';
  rig.monitor.begin();
  await rig.pass(100);
  t.deepEqual(rig.take(), ['0 ?']);
});
