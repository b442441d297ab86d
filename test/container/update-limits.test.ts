import test from 'ava';
import { resourcesOf } from '../../src/container/update-limits.js';
import { TsrunError } from '../../src/spec/errors.js';

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

test('what stands for "not set" takes a reservation away, leaves swap to memory, and is refused where it would change nothing', (t) => {
  t.deepEqual(resourcesOf({ memoryReservation: 0 }, { limit: 100 }), { unified: { 'memory.low': '0' } });
  t.deepEqual(resourcesOf({ memoryReservation: '0', unified: { 'memory.high': '1' } }, {}), { unified: { 'memory.low': '0', 'memory.high': '1' } });
  for (const memorySwap of [0, '0']) {
    t.deepEqual(resourcesOf({ memory: 150, memorySwap }, { limit: 100, swap: 100 }), resourcesOf({ memory: 150 }, { limit: 100, swap: 100 }));
  }
  for (const options of [{ memorySwap: 0 }, { memorySwap: '0' }, { cpuShares: 0 }, { cpusetCpus: '' }]) {
    const [name] = Object.keys(options);
    const error = t.throws(() => resourcesOf({ ...options, pids: 5 }, { limit: 100 }), { instanceOf: TsrunError, message: /"not set" and changes nothing/ });
    t.like(error, { code: 'ERR_TSRUN_INVALID_ARGUMENT', field: `/${name ?? ''}` });
    t.truthy(error.hint);
  }
});

test('a reservation is at most the limit: the new one, else the one that holds', (t) => {
  const refused = { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /\/memoryReservation: 101 bytes are more than the limit of 100/ };
  t.throws(() => resourcesOf({ memoryReservation: 101 }, { limit: 100 }), refused);
  t.throws(() => resourcesOf({ memoryReservation: 101, memory: 100 }, { limit: 200 }), refused);
  for (const now of [{ limit: -1 }, {}, { limit: 101 }]) t.deepEqual(resourcesOf({ memoryReservation: 101 }, now), { memory: { reservation: 101 } });
  t.deepEqual(resourcesOf({ memoryReservation: 101, memory: 0 }, { limit: 100 }).memory, { limit: -1, reservation: 101 });
});

test('memory and swap together are at least the limit of memory', (t) => {
  t.throws(() => resourcesOf({ memorySwap: 99 }, { limit: 100 }), { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /\/memorySwap: 99 bytes are less than the memory limit of 100/ });
  t.deepEqual(resourcesOf({ memorySwap: 99 }, {}), { memory: { swap: 99, limit: 99 } }, 'the lack of the controller is told later');
});

test('values are checked', (t) => {
  t.throws(() => resourcesOf({ pids: 0 }, {}), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  t.throws(() => resourcesOf({ memory: '1x' }, {}), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
});
