import test from 'ava';
import type { StopOptions } from '../../src/index.js';
import { Ending } from '../../src/dyno/ending.js';
import { FakeClock } from './fake-clock.js';

function rig(repeatStopMs?: number) {
  const said: string[] = [];
  const clock = new FakeClock();
  const container = {
    stop: async ({ signal, delivery, graceMs }: StopOptions = {}) => {
      said.push(`${signal} ${delivery} ${graceMs}`);
      return new Promise<never>(() => undefined);
    },
    killAll: async () => {
      said.push('kill');
      return Promise.reject(new Error('it has ended'));
    },
  };
  const ending = new Ending({ clock, stopSignal: 'SIGUSR1', delivery: 'mixed', ...(repeatStopMs !== undefined && { repeatStopMs }) }, () => container);
  return { said, clock, ending };
}

test('it is asked once', (t) => {
  const { said, clock, ending } = rig();
  ending.terminate();
  clock.advance(100_000);
  t.deepEqual(said, ['SIGUSR1 mixed -1']);
  t.is(clock.pending, 0);
});

test('it is asked again and again where that is wanted, until it is killed', (t) => {
  const { said, clock, ending } = rig(1000);
  ending.terminate();
  for (let times = 0; times < 2; times++) clock.advance(1000);
  t.is(said.length, 3);
  ending.kill();
  clock.advance(100_000);
  t.deepEqual(said.slice(3), ['kill']);
  t.is(clock.pending, 0);
});

test('or until it has ended', (t) => {
  const { said, clock, ending } = rig(1000);
  ending.terminate();
  ending.over();
  clock.advance(100_000);
  t.is(said.length, 1);
});
