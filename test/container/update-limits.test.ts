import test from 'ava';
import { resourcesOf } from '../../src/container/update-limits.js';

test('only what is asked for', (t) => {
  t.deepEqual(resourcesOf({}, {}), {});
  t.deepEqual(resourcesOf({ pids: 5 }, {}), { pids: { limit: 5 } });
  t.deepEqual(resourcesOf({ memory: '1m' }, {}), { memory: { limit: 1_048_576 } });
  t.deepEqual(resourcesOf({ cpus: 0.5, cpuShares: 512, cpusetCpus: '0' }, {}), { cpu: { quota: 50_000, period: 100_000, shares: 512, cpus: '0' } });
  t.deepEqual(resourcesOf({ memoryReservation: 4096, unified: { 'memory.high': 'max' } }, {}), { memory: { reservation: 4096 }, unified: { 'memory.high': 'max' } });
});

test('no limit is said with 0 or -1', (t) => {
  t.deepEqual(resourcesOf({ memory: 0 }, { limit: 100, swap: 100 }), { memory: { limit: -1, swap: -1 } });
  t.deepEqual(resourcesOf({ memory: 0 }, { limit: 100 }), { memory: { limit: -1 } });
  t.deepEqual(resourcesOf({ memorySwap: -1 }, { limit: 100 }), { memory: { swap: -1 } });
  t.deepEqual(resourcesOf({ pids: -1 }, {}), { pids: { limit: -1 } });
});

test('memory and swap together need the limit of memory: the new one, else the one that holds', (t) => {
  t.deepEqual(resourcesOf({ memorySwap: 300 }, { limit: 100 }), { memory: { swap: 300, limit: 100 } });
  t.deepEqual(resourcesOf({ memorySwap: 300, memory: 200 }, { limit: 100 }), { memory: { swap: 300, limit: 200 } });
  const error = t.throws(() => resourcesOf({ memorySwap: 300 }, { limit: -1 }), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  t.regex(error.message, /memory and swap together/);
});

test('the limit of memory and swap together stays when that of memory is changed', (t) => {
  t.deepEqual(resourcesOf({ memory: 150 }, { limit: 100, swap: 100 }), { memory: { limit: 150, swap: 200 } });
  t.deepEqual(resourcesOf({ memory: 150 }, { limit: 100, swap: -1 }), { memory: { limit: 150 } });
  t.deepEqual(resourcesOf({ memory: 150 }, { limit: -1, swap: 100 }), { memory: { limit: 150 } });
  t.throws(() => resourcesOf({ memory: 201 }, { limit: 100, swap: 100 }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /memory and swap together, which is 200/ });
});

test('values are checked', (t) => {
  t.throws(() => resourcesOf({ pids: 0 }, {}), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  t.throws(() => resourcesOf({ memory: '1x' }, {}), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
});
