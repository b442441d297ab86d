import { setImmediate } from 'node:timers/promises';
import test from 'ava';
import { Rising } from '../../src/dyno/rising.js';

test('a dyno has been up for long enough when the timer says so, also where the clock is a moment behind it', async (t) => {
  let ring: () => void = () => undefined;
  const clock = { now: () => 0, after: (_ms: number, work: () => void) => ((ring = work), () => undefined) };
  const look = { isUp: true, isComing: false };
  const rising = new Rising(clock, () => look);
  const settled = rising.settled(200);
  await setImmediate();
  ring();
  t.true(await settled);
  const ended = rising.settled(200);
  await setImmediate();
  look.isUp = false;
  rising.changed();
  t.false(await ended);
});
