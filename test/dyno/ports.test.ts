import test from 'ava';
import fc from 'fast-check';
import { checkHostPorts, hostPort } from '../../src/dyno/ports.js';

test('each dyno has a port of its own, and so has one that is to take its place', (t) => {
  t.deepEqual([hostPort(5000, 1, false), hostPort(5000, 2, false), hostPort(5000, 2, true)], [5000, 5001, 6001]);
  fc.assert(fc.property(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 1000 }), (first, count) => {
    if (first + count - 1 > 65_535) {
      t.throws(() => { checkHostPorts(first, count); }, { message: `there are not ${count} ports from ${first} on` });
      return;
    }
    checkHostPorts(first, count);
    const ports = [false, true].flatMap((isTwin) => Array.from({ length: count }, (_, index) => hostPort(first, index + 1, isTwin)));
    t.is(new Set(ports).size, 2 * count);
    t.true(ports.every((port) => port >= 1 && port <= 65_535));
  }), { numRuns: 200 });
});
