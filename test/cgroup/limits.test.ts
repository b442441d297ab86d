import test from 'ava';
import fc from 'fast-check';
import { blockWeightToIoWeight } from '../../src/cgroup/limit-io.js';
import { sharesToWeight } from '../../src/cgroup/limit-cpu.js';
import { limitsToWrites, missingLimitError, type LimitHost } from '../../src/cgroup/limits.js';
import { TsrunError, type ErrorCode } from '../../src/spec/errors.js';
import type { Resources } from '../../src/spec/types.js';

const cgroup = {
  mode: 'v2',
  root: '/sys/fs/cgroup',
  base: '/tsrun',
  controllers: ['cpuset', 'cpu', 'io', 'memory', 'hugetlb', 'pids', 'rdma', 'misc'],
  v1Controllers: {},
  writable: true,
} as const;
const v2: LimitHost = { cgroup, swapBytes: 2 ** 30, onlineCpus: '0-3' };
const hybrid: LimitHost = {
  cgroup: { ...cgroup, mode: 'hybrid', controllers: ['hugetlb'], v1Controllers: { memory: '/sys/fs/cgroup/memory', cpu: '/sys/fs/cgroup/cpu', io: '', pids: '/sys/fs/cgroup/pids' } },
  swapBytes: 0,
};

const plan = (resources: Resources, host = v2) => limitsToWrites(resources, host);
const lines = (resources: Resources, host = v2) => plan(resources, host).writes.map(({ file, value }) => `${file}=${value}`);

const refused = test.macro({
  exec(t, resources: Resources, code: ErrorCode, field: string) {
    const error = t.throws(() => plan(resources), { instanceOf: TsrunError });
    t.is(error.code, code);
    t.is(error.field, field);
    t.truthy(error.hint);
  },
  title: (_, resources: Resources, code: ErrorCode) => `${code}: ${JSON.stringify(resources)}`,
});

test('nothing asked for, nothing written', (t) => {
  t.deepEqual(plan({}), { writes: [], missing: [], checks: [] });
  t.deepEqual(lines({ memory: {}, cpu: {}, pids: {}, blockIO: {}, hugepageLimits: [], rdma: {}, unified: {}, network: {} }), []);
});

test('memory: swap first, then the limit, then the reservation', (t) => {
  t.deepEqual(plan({ memory: { limit: 1000, swap: 1500, reservation: 500 } }).writes, [
    { file: 'memory.swap.max', value: '500', field: '/linux/resources/memory/swap', controller: 'memory' },
    { file: 'memory.max', value: '1000', field: '/linux/resources/memory/limit', controller: 'memory' },
    { file: 'memory.low', value: '500', field: '/linux/resources/memory/reservation', controller: 'memory' },
  ]);
});

test('memory: what 0, -1 and equal values mean', (t) => {
  t.deepEqual(lines({ memory: { limit: 0, swap: 0, reservation: 0 } }), []);
  t.deepEqual(lines({ memory: { limit: 1000, swap: 1000 } }), ['memory.swap.max=0', 'memory.max=1000']);
  t.deepEqual(lines({ memory: { limit: 1000, swap: -1 } }), ['memory.swap.max=max', 'memory.max=1000']);
  t.deepEqual(lines({ memory: { limit: -1 } }), ['memory.swap.max=max', 'memory.max=max']);
  t.deepEqual(lines({ memory: { limit: -1, swap: 700 } }), ['memory.swap.max=700', 'memory.max=max']);
  t.deepEqual(lines({ memory: { swap: -1, reservation: -1 } }), ['memory.swap.max=max', 'memory.low=max']);
  t.deepEqual(lines({ memory: { limit: 1000 } }), ['memory.max=1000']);
});

test('memory: values of v1 that say what v2 does anyway are let pass', (t) => {
  t.deepEqual(lines({ memory: { limit: 1, kernel: -1, kernelTCP: 0, disableOOMKiller: false, useHierarchy: true } }), ['memory.max=1']);
});

test('memory: the checks before an update', (t) => {
  t.deepEqual(plan({ memory: { limit: 10, swap: 30, checkBeforeUpdate: true } }).checks, [
    { files: ['memory.current'], atMost: 10, field: '/linux/resources/memory/limit' },
    { files: ['memory.current', 'memory.swap.current'], atMost: 30, field: '/linux/resources/memory/swap' },
  ]);
  t.deepEqual(plan({ memory: { limit: 10 } }).checks, []);
});

test('memory.oom.group comes before the limit that could kill', (t) => {
  t.deepEqual(plan({ memory: { limit: 10 }, unified: { 'memory.oom.group': '1' } }).writes.map(({ file }) => file), ['memory.oom.group', 'memory.max']);
});

test('cpu shares: the curve goes through the least, the default and the most', (t) => {
  t.deepEqual([1, 2, 1024, 262_144, 10 ** 9].map(sharesToWeight), [1, 1, 100, 10_000, 10_000]);
  // between them: worked out from the formula, so that a change of it is seen
  t.deepEqual([3, 102, 512, 2048].map(sharesToWeight), [2, 17, 59, 174]);
});

test('cpu shares: outside of what v1 took they are as good as the nearest', (t) => {
  t.deepEqual([1, 2, 262_144, 300_000].flatMap((shares) => lines({ cpu: { shares } })), ['cpu.weight=1', 'cpu.weight=1', 'cpu.weight=10000', 'cpu.weight=10000']);
});

test('misc: the spec has no words for it, and unified writes a line a resource', (t) => {
  t.deepEqual(lines({ unified: { 'misc.max': 'res_a 5\nres_b max' } }), ['misc.max=res_a 5', 'misc.max=res_b max']);
});

test('cpu shares: never falling, always a weight that the kernel takes', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300_000 }), (shares) => {
      const weight = sharesToWeight(shares);
      return weight >= 1 && weight <= 10_000 && weight <= sharesToWeight(shares + 1);
    }),
  );
  t.pass();
});

test('cpu: quota, period, burst', (t) => {
  t.deepEqual(lines({ cpu: { quota: 50_000 } }), ['cpu.max=50000 100000']);
  t.deepEqual(lines({ cpu: { quota: 50_000, period: 20_000 } }), ['cpu.max=50000 20000']);
  t.deepEqual(lines({ cpu: { quota: -1 } }), ['cpu.max=max 100000']);
  t.deepEqual(lines({ cpu: { period: 20_000 } }), ['cpu.max=max 20000']);
  t.deepEqual(lines({ cpu: { quota: 0, period: 0, shares: 0 } }), []);
  t.deepEqual(lines({ cpu: { quota: 50_000, burst: 10_000 } }), ['cpu.max.burst=0', 'cpu.max=50000 100000', 'cpu.max.burst=10000']);
  t.deepEqual(lines({ cpu: { burst: 0 } }), ['cpu.max.burst=0']);
});

test('cpu: idle before the weight, and no weight while idle', (t) => {
  t.deepEqual(lines({ cpu: { idle: 0, shares: 1024 } }), ['cpu.idle=0', 'cpu.weight=100']);
  t.deepEqual(lines({ cpu: { idle: 1, shares: 1024 } }), ['cpu.idle=1']);
});

test('cpuset', (t) => {
  t.deepEqual(lines({ cpu: { cpus: '0-1,3', mems: '0' } }), ['cpuset.cpus=0-1,3', 'cpuset.mems=0']);
  t.deepEqual(lines({ cpu: { cpus: '0, 2-3' } }), ['cpuset.cpus=0, 2-3']);
  t.deepEqual(lines({ cpu: { cpus: '', mems: '' } }), []);
  t.regex(t.throws(() => lines({ cpu: { cpus: '2-4' } }), { instanceOf: TsrunError }).hint ?? '', /processor 4 is not there; online are 0-3/);
  t.deepEqual(lines({ cpu: { cpus: '2-4' } }, { cgroup, swapBytes: 0 }), ['cpuset.cpus=2-4']);
});

test('pids: -1 is no limit, 0 is one', (t) => {
  t.deepEqual([5, -1, 0].flatMap((limit) => lines({ pids: { limit } })), ['pids.max=5', 'pids.max=max', 'pids.max=1']);
});

test('block io: weights on the scale of io.weight, throttles one write each', (t) => {
  t.deepEqual([10, 100, 500, 1000].map(blockWeightToIoWeight), [1, 910, 4950, 10_000]);
  const blockIO = {
    weight: 10,
    weightDevice: [{ major: 8, minor: 0, weight: 1000 }, { major: 8, minor: 16 }],
    throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 600 }],
    throttleWriteBpsDevice: [{ major: 8, minor: 0, rate: 0 }],
    throttleReadIOPSDevice: [{ major: 8, minor: 0, rate: 7 }],
    throttleWriteIOPSDevice: [{ major: 8, minor: 16, rate: 300 }],
  };
  t.deepEqual(lines({ blockIO }), ['io.weight=1', 'io.weight=8:0 10000', 'io.max=8:0 rbps=600', 'io.max=8:0 wbps=max', 'io.max=8:0 riops=7', 'io.max=8:16 wiops=300']);
  t.is(plan({ blockIO }).writes[5]?.field, '/linux/resources/blockIO/throttleWriteIOPSDevice/0');
  const bfq = { ...v2, cgroup: { ...cgroup, files: ['io.bfq.weight', 'io.max'] } };
  t.deepEqual(lines({ blockIO: { weight: 500, weightDevice: [{ major: 8, minor: 0, weight: 20 }] } }, bfq), ['io.bfq.weight=500', 'io.bfq.weight=8:0 20']);
});

test('huge pages: in use and reserved; sizes that the processor has', (t) => {
  const resources = { hugepageLimits: [{ pageSize: '2MB', limit: 4_194_304 }] };
  t.deepEqual(lines(resources), ['hugetlb.2MB.max=4194304', 'hugetlb.2MB.rsvd.max=4194304']);
  const arm = { ...v2, cgroup: { ...cgroup, files: ['hugetlb.64KB.max', 'hugetlb.64KB.rsvd.max'] } };
  t.regex(t.throws(() => plan(resources, arm), { instanceOf: TsrunError }).hint ?? '', /64KB/);
});

test('rdma', (t) => {
  t.deepEqual(lines({ rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 10_000 }, rxe3: { hcaObjects: 1 }, none: {} } }), [
    'rdma.max=mlx5_1 hca_handle=3 hca_object=10000',
    'rdma.max=rxe3 hca_object=1',
  ]);
});

test('unified: whatever the kernel reads as a number', (t) => {
  for (const [file, values] of [['hugetlb.2MB.max', ['max', '0', '4M', '0x10', ' 5\n']], ['memory.low', ['max', '1g', '12T']], ['pids.max', ['max', '7', '0x7']], ['memory.oom.group', ['1']], ['io.max', ['8:0 rbps=max']]] as const) {
    for (const value of values) t.deepEqual(plan({ unified: { [file]: value } }).writes.map((write) => write.file), [file], value);
  }
});

test('unified: last, one line a write, with its controller', (t) => {
  const unified = { 'io.max': '8:0 rbps=1\n8:16 wbps=2\n', 'memory.high': '5', 'cgroup.max.depth': '3' };
  t.deepEqual(plan({ memory: { limit: 9 }, unified }).writes.map(({ file, value, controller }) => [file, value, controller]), [
    ['memory.max', '9', 'memory'],
    ['io.max', '8:0 rbps=1', 'io'],
    ['io.max', '8:16 wbps=2', 'io'],
    ['memory.high', '5', 'memory'],
    ['cgroup.max.depth', '3', 'cgroup'],
  ]);
});

test('a controller on v1 is missing, with its mount', (t) => {
  const { writes, missing } = plan({ memory: { limit: 10, swap: 20 }, pids: { limit: 5 }, cpu: { cpus: '0' }, hugepageLimits: [{ pageSize: '2MB', limit: 0 }] }, hybrid);
  t.deepEqual(writes.map(({ file }) => file), ['hugetlb.2MB.max', 'hugetlb.2MB.rsvd.max']);
  t.deepEqual(missing, [
    { controller: 'memory', field: '/linux/resources/memory/swap', mountedAt: '/sys/fs/cgroup/memory' },
    { controller: 'memory', field: '/linux/resources/memory/limit', mountedAt: '/sys/fs/cgroup/memory' },
    { controller: 'cpuset', field: '/linux/resources/cpu/cpus' },
    { controller: 'pids', field: '/linux/resources/pids/limit', mountedAt: '/sys/fs/cgroup/pids' },
  ]);
});

test('no limit is what a host without the controller gives', (t) => {
  const resources: Resources = { memory: { limit: -1 }, pids: { limit: -1 }, cpu: { quota: -1, idle: 0, burst: 0 } };
  t.deepEqual(plan({ ...resources, unified: { 'memory.oom.group': '0' } }, hybrid), { writes: [], missing: [], checks: [] });
  t.is(plan(resources).writes.length, 6);
});

test('each field is missing once', (t) => {
  t.is(plan({ cpu: { quota: 5000, burst: 1000 } }, hybrid).missing.length, 2);
});

test('a file that this kernel lacks is missing; no swap file on a host without swap is no lack', (t) => {
  const files = ['memory.max', 'cpu.max', 'cpu.weight'];
  const old: LimitHost = { ...v2, cgroup: { ...cgroup, files } };
  t.deepEqual(plan({ cpu: { idle: 1 } }, old).missing, [{ controller: 'cpu', field: '/linux/resources/cpu/idle', file: 'cpu.idle' }]);
  t.is(plan({ memory: { limit: 5, swap: 5 } }, old).missing[0]?.file, 'memory.swap.max');
  t.deepEqual(plan({ memory: { limit: 5, swap: 5 } }, { ...old, swapBytes: 0 }).missing, []);
});

test('without a base nothing can be held', (t) => {
  const none: LimitHost = { ...v2, cgroup: { ...cgroup, base: '', controllers: [], writable: false } };
  t.is(plan({ pids: { limit: 3 }, unified: { 'cgroup.max.depth': '1' } }, none).missing.length, 2);
});

test('the sentence about a missing limit', (t) => {
  const error = (resources: Resources, host = hybrid) => {
    const [missing] = plan(resources, host).missing;
    return missing === undefined ? undefined : missingLimitError(missing);
  };
  t.like(error({ memory: { limit: 1 } }), {
    code: 'ERR_TSRUN_LIMIT_UNAVAILABLE',
    message: "the limit /linux/resources/memory/limit needs the cgroup v2 controller 'memory', which is on cgroup v1 (mounted at '/sys/fs/cgroup/memory')",
    field: '/linux/resources/memory/limit',
    hint: 'boot with cgroup_no_v1=memory, or drop the limit; see tsrun doctor',
  });
  t.regex(error({ blockIO: { weight: 10 } })?.hint ?? '', /cgroup_no_v1=blkio/);
  t.regex(error({ cpu: { cpus: '0' } })?.message ?? '', /is not handed down to tsrun$/);
  t.regex(error({ cpu: { idle: 1 } }, { ...v2, cgroup: { ...cgroup, files: [] } })?.message ?? '', /^this kernel has no 'cpu.idle'/);
});

const unsupported = 'ERR_TSRUN_UNSUPPORTED';
test(refused, { memory: { kernel: 5 } }, unsupported, '/linux/resources/memory/kernel');
test(refused, { memory: { kernelTCP: 5 } }, unsupported, '/linux/resources/memory/kernelTCP');
test(refused, { memory: { swappiness: 0 } }, unsupported, '/linux/resources/memory/swappiness');
test(refused, { memory: { disableOOMKiller: true } }, unsupported, '/linux/resources/memory/disableOOMKiller');
test(refused, { memory: { useHierarchy: false } }, unsupported, '/linux/resources/memory/useHierarchy');
test(refused, { cpu: { realtimeRuntime: 1 } }, unsupported, '/linux/resources/cpu/realtimeRuntime');
test(refused, { cpu: { realtimePeriod: 1 } }, unsupported, '/linux/resources/cpu/realtimePeriod');
test(refused, { blockIO: { leafWeight: 10 } }, unsupported, '/linux/resources/blockIO/leafWeight');
test(refused, { blockIO: { weightDevice: [{ major: 1, minor: 1, leafWeight: 10 }] } }, unsupported, '/linux/resources/blockIO/weightDevice/0/leafWeight');
test(refused, { network: { classID: 1 } }, unsupported, '/linux/resources/network/classID');
test(refused, { network: { priorities: [{ name: 'eth0', priority: 1 }] } }, unsupported, '/linux/resources/network/priorities');

const invalid = 'ERR_TSRUN_INVALID_ARGUMENT';
test(refused, { memory: { limit: -2 } }, invalid, '/linux/resources/memory/limit');
test(refused, { memory: { limit: 1.5 } }, invalid, '/linux/resources/memory/limit');
test(refused, { memory: { limit: 2 ** 53 } }, invalid, '/linux/resources/memory/limit');
test(refused, { memory: { limit: 10, swap: 9 } }, invalid, '/linux/resources/memory/swap');
test(refused, { memory: { swap: 9 } }, invalid, '/linux/resources/memory/swap');
test(refused, { cpu: { shares: -1 } }, invalid, '/linux/resources/cpu/shares');
test(refused, { cpu: { quota: 999 } }, invalid, '/linux/resources/cpu/quota');
test(refused, { cpu: { quota: -2 } }, invalid, '/linux/resources/cpu/quota');
test(refused, { cpu: { period: 1_000_001 } }, invalid, '/linux/resources/cpu/period');
test(refused, { cpu: { quota: 1000, burst: 1001 } }, invalid, '/linux/resources/cpu/burst');
test(refused, { cpu: { idle: 2 } }, invalid, '/linux/resources/cpu/idle');
test(refused, { cpu: { cpus: '0-' } }, invalid, '/linux/resources/cpu/cpus');
test(refused, { cpu: { cpus: '3-1' } }, invalid, '/linux/resources/cpu/cpus');
test(refused, { cpu: { cpus: '0-99999' } }, invalid, '/linux/resources/cpu/cpus');
test(refused, { cpu: { mems: '0\n1' } }, invalid, '/linux/resources/cpu/mems');
test(refused, { pids: { limit: -2 } }, invalid, '/linux/resources/pids/limit');
test(refused, { blockIO: { weight: 9 } }, invalid, '/linux/resources/blockIO/weight');
test(refused, { blockIO: { throttleReadBpsDevice: [{ major: -1, minor: 0, rate: 1 }] } }, invalid, '/linux/resources/blockIO/throttleReadBpsDevice/0/major');
test(refused, { hugepageLimits: [{ pageSize: '2mb/..', limit: 1 }] }, invalid, '/linux/resources/hugepageLimits/0/pageSize');
test(refused, { hugepageLimits: [{ pageSize: '2MB', limit: -1 }] }, invalid, '/linux/resources/hugepageLimits/0/limit');
test(refused, { rdma: { 'a b': { hcaHandles: 1 } } }, invalid, '/linux/resources/rdma/a b');
for (const [file, value] of [['hugetlb.2MB.max', 'abc'], ['hugetlb.1GB.rsvd.max', ''], ['memory.max', '-1'], ['memory.high', '5x'], ['memory.swap.max', 'MAX'], ['pids.max', '1k'], ['cgroup.max.depth', '1.5']] as const) {
  test(refused, { unified: { [file]: value } }, invalid, `/linux/resources/unified/${file}`);
}
test(refused, { unified: { '../memory.max': '1' } }, invalid, '/linux/resources/unified/..~1memory.max');
test(refused, { unified: { 'memory.max/x': '1' } }, invalid, '/linux/resources/unified/memory.max~1x');
test(refused, { unified: { 'cgroup.procs': '1' } }, invalid, '/linux/resources/unified/cgroup.procs');
test(refused, { unified: { 'cgroup.subtree_control': '+cpu' } }, invalid, '/linux/resources/unified/cgroup.subtree_control');
test(refused, { unified: { 'memory.pressure': 'some 1 2' } }, invalid, '/linux/resources/unified/memory.pressure');
test(refused, { unified: { memory: '1' } }, invalid, '/linux/resources/unified/memory');
test(refused, { unified: { 'memory.max': '1\0' } }, invalid, '/linux/resources/unified/memory.max');
test(refused, { unified: { 'memory.max': ' \n' } }, invalid, '/linux/resources/unified/memory.max');
test(refused, { unified: { 'memroy.max': '1' } }, invalid, '/linux/resources/unified/memroy.max');
