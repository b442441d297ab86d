import test from 'ava';
import type { ContainerStats } from '../../../src/cgroup/stats.js';
import { startMeter, type MeterSettings, type Reading } from '../../../src/dyno/metrics/meter.js';
import { nextLoad, noLoad } from '../../../src/dyno/metrics/load-average.js';
import { dynoSizes } from '../../../src/dyno/sizes/sizes.js';
import { FakeClock } from '../fake-clock.js';

const mebibyte = 2 ** 20;
const calm = { low: 0, high: 0, max: 0, oom: 0, oomKill: 0, oomGroupKill: 0 };

/** In mebibytes. */
function reading(runnable: number, memory?: { rss: number; cache?: number; swap?: number; pages?: readonly [number, number] }): Reading {
  const { rss = 0, cache = 0, swap = 0, pages } = memory ?? {};
  const stat = { anon: rss * mebibyte, file: cache * mebibyte, ...(pages !== undefined && { pgpgin: pages[0], pgpgout: pages[1] }) };
  const stats: ContainerStats = {
    cpu: { usageUs: 0, userUs: 0, systemUs: 0 },
    pressure: {},
    ...(memory !== undefined && { memory: { currentBytes: 0, maxBytes: 'max', swapBytes: swap * mebibyte, events: calm, stat } }),
  };
  return { stats, runnable };
}

class Rig {
  readonly clock = new FakeClock();
  readonly said: string[] = [];
  readonly end: () => void;
  next: (() => Promise<Reading | undefined>) | Reading | undefined;

  constructor(settings: Partial<MeterSettings>) {
    this.end = startMeter(
      { clock: this.clock, name: 'web.1', id: 'heroku.7.b', isLogged: false, ...settings },
      async () => (typeof this.next === 'function' ? this.next() : this.next),
      {
        log: (message) => this.said.push(message),
        sampled: ({ load1, memory }) => this.said.push(`<sample ${load1.toFixed(2)} ${memory === undefined ? '-' : memory.totalBytes / mebibyte}>`),
        exceeded: (code, used, quota) => this.said.push(`<${code} ${used / mebibyte} of ${quota / mebibyte}>`),
      },
    );
  }

  async pass(ms: number, next: Rig['next']): Promise<string[]> {
    this.next = next;
    this.clock.advance(ms);
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
    return this.said.splice(0);
  }
}

test('every 20 seconds two lines, as log-runtime-metrics has them', async (t) => {
  const rig = new Rig({ isLogged: true });
  t.deepEqual(await rig.pass(19_999, reading(1)), []);
  t.deepEqual(await rig.pass(1, reading(4, { rss: 21.22, pages: [348_836, 343_403] })), [
    'source=web.1 dyno=heroku.7.b sample#load_avg_1m=1.13 sample#load_avg_5m=0.26 sample#load_avg_15m=0.09',
    'source=web.1 dyno=heroku.7.b sample#memory_total=21.22MB sample#memory_rss=21.22MB sample#memory_cache=0.00MB sample#memory_swap=0.00MB sample#memory_pgpgin=348836pages sample#memory_pgpgout=343403pages',
    '<sample 1.13 21.22>',
  ]);
  t.deepEqual(await rig.pass(20_000, reading(0, { rss: 1.5, cache: 2.25, swap: 0.126 })), [
    'source=web.1 dyno=heroku.7.b sample#load_avg_1m=0.81 sample#load_avg_5m=0.24 sample#load_avg_15m=0.09',
    'source=web.1 dyno=heroku.7.b sample#memory_total=3.88MB sample#memory_rss=1.50MB sample#memory_cache=2.25MB sample#memory_swap=0.13MB',
    '<sample 0.81 3.876>',
  ]);
  t.deepEqual(await rig.pass(20_000, reading(0)), ['source=web.1 dyno=heroku.7.b sample#load_avg_1m=0.58 sample#load_avg_5m=0.23 sample#load_avg_15m=0.08', '<sample 0.58 ->']);
});

test('the quota is among the figures; R14 comes again with each sample; R15 when it is far too much', async (t) => {
  const rig = new Rig({ isLogged: true, size: dynoSizes['standard-1x'] });
  t.regex((await rig.pass(20_000, reading(0, { rss: 500 })))[1] ?? '', / sample#memory_swap=0.00MB sample#memory_quota=512.00MB$/);
  const over = ['<sample 0.00 563.2>', 'Process running mem=563M(110.0%)', 'Error R14 (Memory quota exceeded)', '<R14 563.2 of 512>'];
  t.deepEqual((await rig.pass(20_000, reading(0, { rss: 563.2 }))).slice(2), over);
  t.deepEqual((await rig.pass(20_000, reading(0, { rss: 63.2, cache: 500 }))).slice(2), over);
  t.deepEqual((await rig.pass(20_000, reading(0, { rss: 512 }))).slice(3), []);
  t.deepEqual((await rig.pass(20_000, reading(0, { rss: 1000, swap: 75.2 }))).slice(3), ['Process running mem=1075M(210.0%)', 'Error R15 (Memory quota vastly exceeded)', '<R15 1075.2 of 512>']);
});

test('with a size, and nobody who wants samples, the log has the quota alone', async (t) => {
  const rig = new Rig({ size: { memoryBytes: 10 * mebibyte } });
  t.deepEqual(await rig.pass(20_000, reading(0, { rss: 5 })), ['<sample 0.00 5>']);
  t.deepEqual(await rig.pass(20_000, reading(0, { rss: 11 })), ['<sample 0.00 11>', 'Process running mem=11M(110.0%)', 'Error R14 (Memory quota exceeded)', '<R14 11 of 10>']);
});

test('a reading that fails is no sample, one that is slow holds the next back, and after the end there is none', async (t) => {
  const rig = new Rig({});
  t.deepEqual(await rig.pass(20_000, async () => Promise.reject(new Error('gone'))), []);
  t.deepEqual(await rig.pass(20_000, undefined), []);
  let answer: (value: Reading) => void = () => undefined;
  const slow = new Promise<Reading>((resolve) => {
    answer = resolve;
  });
  t.deepEqual(await rig.pass(20_000, async () => slow), []);
  t.is(rig.clock.pending, 0);
  t.deepEqual(await rig.pass(40_000, reading(1)), []);
  answer(reading(2));
  t.is((await rig.pass(0, undefined)).length, 1, 'over all the time that has passed');
  t.is(rig.clock.pending, 1);
  const last = new Promise<Reading>((resolve) => {
    answer = resolve;
  });
  await rig.pass(20_000, async () => last);
  rig.end();
  answer(reading(1));
  t.deepEqual(await rig.pass(60_000, reading(1)), []);
  t.is(rig.clock.pending, 0);
});

test('load is that of Heroku: e = exp(-dt/period), load = (1-e)*n + e*load', (t) => {
  let load = noLoad;
  for (let sample = 0; sample < 3; sample++) load = nextLoad(load, 2, 20_000);
  t.is(load.load1.toFixed(4), (2 * (1 - Math.exp(-1))).toFixed(4));
  t.is(load.load5.toFixed(4), (2 * (1 - Math.exp(-0.2))).toFixed(4));
  t.is(load.load15.toFixed(4), (2 * (1 - Math.exp(-1 / 15))).toFixed(4));
});
