import test from 'ava';
import { completeResources } from '../../src/cgroup/complete-resources.js';

test('the period stays where only the quota is given, and the other way round', (t) => {
  const now = { cpuMax: '30000 50000\n' };
  t.deepEqual(completeResources({ cpu: { quota: 20_000 } }, now), { cpu: { quota: 20_000, period: 50_000 } });
  t.deepEqual(completeResources({ cpu: { quota: -1 } }, now), { cpu: { quota: -1, period: 50_000 } });
  t.deepEqual(completeResources({ cpu: { period: 10_000 } }, now), { cpu: { period: 10_000, quota: 30_000 } });
  t.deepEqual(completeResources({ cpu: { period: 10_000, quota: 0 } }, { cpuMax: 'max 100000\n' }), { cpu: { period: 10_000, quota: -1 } });
});

test('what is whole, or says nothing of it, is left as it is', (t) => {
  const now = { cpuMax: '30000 50000\n', memoryMax: '1000\n' };
  for (const resources of [{}, { cpu: { shares: 5 } }, { cpu: { quota: 1000, period: 1000 } }, { cpu: { quota: 0, period: 0 } }, { memory: { limit: 5, swap: 7 } }, { memory: { swap: -1 } }, { memory: { swap: 0 } }, { pids: { limit: 3 } }]) {
    t.deepEqual(completeResources(resources, now), resources);
  }
  t.deepEqual(completeResources({ cpu: { quota: 5000 }, memory: { swap: 7 } }, {}), { cpu: { quota: 5000 }, memory: { swap: 7 } });
});

test('a figure for memory and swap together stands beside the limit that holds', (t) => {
  t.deepEqual(completeResources({ memory: { swap: 3000 } }, { memoryMax: '1000\n' }), { memory: { swap: 3000, limit: 1000 } });
  t.deepEqual(completeResources({ memory: { swap: 3000, limit: 0 } }, { memoryMax: 'max\n' }), { memory: { swap: 3000, limit: -1 } });
});
