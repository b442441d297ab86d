import test from 'ava';
import { cycleDelayMs, restartDelayMs, restartPolicies, type RestartPolicy } from '../../src/dyno/restart-policy.js';

const delays = (policy: RestartPolicy, times: number, code = 1) => Array.from({ length: times }, (_, index) => restartDelayMs(policy, index + 1, code));
const minute = 60_000;

test('B7: docker doubles from 100 ms to a minute', (t) => {
  t.deepEqual(delays(restartPolicies.docker, 12), [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, minute, minute]);
});

test('B7: heroku restarts at once, then after 10, 20, 40 minutes … a day; exit 0 is a crash as well', (t) => {
  const expected = [0, 10, 20, 40, 80, 160, 320, 640, 1280, 1440, 1440].map((minutes) => minutes * minute);
  t.deepEqual(delays(restartPolicies.heroku, 11), expected);
  t.deepEqual(delays(restartPolicies.heroku, 2, 0), [0, 10 * minute]);
  t.is(restartDelayMs(restartPolicies.heroku, 5000, 1), 24 * 60 * minute, 'however often');
});

test('B7: diego restarts three times at once, then after 30 s … 16 minutes, and gives up at the 200th crash', (t) => {
  t.deepEqual(delays(restartPolicies.diego, 10), [0, 0, 0, 30_000, minute, 2 * minute, 4 * minute, 8 * minute, 16 * minute, 16 * minute]);
  t.is(restartDelayMs(restartPolicies.diego, 199, 1), 16 * minute);
  t.is(restartDelayMs(restartPolicies.diego, 200, 1), undefined);
});

test('B7: fly tries ten times, and only what failed', (t) => {
  t.is(delays(restartPolicies.fly, 20).filter((delay) => delay !== undefined).length, 10);
  t.is(restartDelayMs(restartPolicies.fly, 1, 0), undefined);
});

test('never is never', (t) => {
  t.is(restartDelayMs(restartPolicies.never, 1, 1), undefined);
});

test('a day of cycling has up to 216 minutes more, by chance', (t) => {
  t.is(cycleDelayMs(restartPolicies.heroku, 0), 1440 * minute);
  t.is(cycleDelayMs(restartPolicies.heroku, 0.5), (1440 + 108) * minute);
  t.is(cycleDelayMs(restartPolicies.docker, 0.5), undefined);
});
