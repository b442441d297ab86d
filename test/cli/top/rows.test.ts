import test from 'ava';
import { rowsOf, worstPressure } from '../../../src/cli/top/rows.js';
import type { ContainerStats } from '../../../src/index.js';
import { cpu, crashedDyno, dyno, nowMs, rowOf, sight, useOf } from './support.js';

const line = (avg10: number) => ({ avg10, avg60: 0, avg300: 0, totalUs: 0 });

test('figures come of two looks; of the first one alone there is no processor time', (t) => {
  const [before, after] = [useOf('web', { stats: cpu(0, { periods: 10, throttledPeriods: 2 }), atMs: 0 }), useOf('web', { stats: cpu(500_000, { periods: 20, throttledPeriods: 7 }) })];
  const [first] = rowsOf(sight([before]));
  t.deepEqual(first, { name: 'web', state: 'running', command: 'node server.js', uptimeMs: 65_000 });
  const [second] = rowsOf(sight([after], { before: new Map([['web', before]]) }));
  t.like(second, { cpuPercent: 50, throttledPercent: 50 });
  const [idle] = rowsOf(sight([{ ...before, atMs: 1000 }], { before: new Map([['web', before]]) }));
  t.like(idle, { cpuPercent: 0, throttledPercent: 0 });
});

test('another container of the same name is not the one that was seen before', (t) => {
  const before = useOf('web', { stats: cpu(900_000), atMs: 0 });
  const [row] = rowsOf(sight([useOf('web', { stats: cpu(100), createdAtMs: nowMs })], { before: new Map([['web', before]]) }));
  t.is(row?.cpuPercent, undefined);
  t.is(row?.uptimeMs, 0);
});

test('all that the kernel tells', (t) => {
  const stats: ContainerStats = {
    ...cpu(0),
    memory: { currentBytes: 300, maxBytes: 512, stat: { inactive_file: 44 }, events: { low: 0, high: 0, max: 0, oom: 0, oomKill: 0, oomGroupKill: 0 } },
    pids: { current: 7, max: 64, refusedForks: 0 },
    pressure: { cpu: { some: line(1) }, memory: { some: line(30), full: line(2) }, io: { some: line(4) } },
  };
  const [row] = rowsOf(sight([useOf('web', { stats, log: true })]));
  t.like(row, { memoryBytes: 256, memoryLimitBytes: 512, pids: 7, pidsLimit: 64, pressurePercent: { cpu: 1, memory: 30, io: 4 }, logFolder: '/run/web' });
  t.deepEqual(row === undefined ? undefined : worstPressure(row), ['memory', 30]);
  t.is(worstPressure(rowOf('web')), undefined);
});

test('a container of a dyno has the state and the restarts of that; paused is what no dyno knows', (t) => {
  const rows = rowsOf(sight([useOf('app.web.1'), useOf('app.web.2', { state: 'paused' }), useOf('other')], { dynos: [dyno('app', 'web'), dyno('app', 'web', 2)] }));
  t.deepEqual(rows.map(({ name, state, app, dyno: own, restarts }) => [name, state, app, own, restarts]), [
    ['app.web.1', 'up', 'app', 'web.1', 3],
    ['app.web.2', 'paused', 'app', 'web.2', 3],
    ['other', 'running', undefined, undefined, undefined],
  ]);
});

test('a dyno without a container is a row without figures', (t) => {
  const crashed = crashedDyno('app', 'job');
  t.deepEqual(rowsOf(sight([], { dynos: [crashed] })), [{ name: 'app.job.1', app: 'app', dyno: 'job.1', state: 'crashed', command: 'job', restarts: 3 }]);
  t.is(rowsOf(sight([useOf('app.job.1')], { dynos: [crashed] })).length, 1, 'it has one by now, which it did not tell yet');
});
