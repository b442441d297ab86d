import test from 'ava';
import { chosenHealth, dockerHealth } from '../../../src/dyno/health/chosen.js';
import type { HealthCheck } from '../../../src/dyno/health/health-options.js';

test('docker\'s HEALTHCHECK: its words, its times in nanoseconds, its defaults', (t) => {
  const common = { name: 'HEALTHCHECK', purpose: 'liveness', action: 'report' } as const;
  t.deepEqual(dockerHealth({ Test: ['CMD-SHELL', 'wget -q -O /dev/null localhost || exit 1'] }), {
    ...common, probe: { type: 'exec', command: 'wget -q -O /dev/null localhost || exit 1' }, initialDelayMs: 30_000, intervalMs: 30_000, timeoutMs: 30_000, startPeriodMs: 0, startIntervalMs: 5000, retries: 3,
  });
  t.deepEqual(dockerHealth({ Test: ['CMD', '/check', 'a b'], Interval: 2e9, Timeout: 3e9, StartPeriod: 4e9, StartInterval: 5e8, Retries: 7 }), {
    ...common, probe: { type: 'exec', command: ['/check', 'a b'] }, initialDelayMs: 500, intervalMs: 2000, timeoutMs: 3000, startPeriodMs: 4000, startIntervalMs: 500, retries: 7,
  });
  t.is(dockerHealth({ Test: ['CMD', 'x'], Interval: 1 })?.intervalMs, 1);
  t.is(dockerHealth({ Test: ['CMD', 'x'], Interval: Number.MAX_SAFE_INTEGER })?.intervalMs, 2 ** 31 - 1);
  for (const nothing of [[], ['NONE'], ['CMD'], ['CMD-SHELL'], ['CMD-SHELL', ''], ['what', 'x']]) t.is(dockerHealth({ Test: nothing }), undefined);
});

test('an image without HEALTHCHECK has none to be asked for', (t) => {
  const error = t.throws(() => chosenHealth('image', { type: 'web', image: { Test: ['NONE'] } }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  t.is(error.message, 'option /processTypes/web/health: the image has no HEALTHCHECK');
  t.throws(() => chosenHealth('image', { type: 'web', image: undefined }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  t.is(chosenHealth('image', { type: 'web', image: { Test: ['CMD', 'x'] } }).length, 1);
});

test('only web has a port of its own', (t) => {
  const checks: HealthCheck[] = [{ purpose: 'liveness', probe: { type: 'exec', command: 'true' } }, { purpose: 'liveness', probe: { type: 'tcp' } }];
  t.is(chosenHealth(checks, { type: 'web', image: undefined }), checks);
  const error = t.throws(() => chosenHealth(checks, { type: 'worker', image: undefined }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  t.is(error.message, 'option /processTypes/worker/health/1/probe/port: only web has a port of its own, found none for "worker"');
  t.is(chosenHealth([{ purpose: 'liveness', probe: { type: 'tcp', port: 1 } }], { type: 'worker', image: undefined }).length, 1);
});
