/** `resources.cpu` as cgroup v2 files. */
import type { HostFacts } from '../host/facts.js';
import { parseCpuList } from '../host/probe.js';
import { largestCpu } from '../spec/schema-common.js';
import type { Resources } from '../spec/types.js';
import { checkInteger, invalidLimit, unsupported, type LimitWrite } from './limit-types.js';

type Cpu = NonNullable<Resources['cpu']>;

const FIELD = '/linux/resources/cpu';
const DEFAULT_PERIOD_US = 100_000;
/** The kernel takes periods and quotas from 1 ms, periods up to 1 s (sched/core.c, both EINVAL outside). */
const MIN_US = 1_000;
const MAX_PERIOD_US = 1_000_000;

const MIN_SHARES = 2;
const MAX_SHARES = 262_144;
const MAX_WEIGHT = 10_000;

/**
 * cpu.shares (2…262144, default 1024) as cpu.weight (1…10000, default 100). A parabola through the three pairs on
 * logarithmic scales: what runc does from 1.3.2 and crun from 1.23 on. The straight line before it made 39 of 1024.
 */
export function sharesToWeight(shares: number): number {
  if (shares <= MIN_SHARES) return 1;
  if (shares >= MAX_SHARES) return MAX_WEIGHT;
  const log = Math.log2(shares);
  return Math.ceil(10 ** ((log * log + 125 * log) / 612 - 7 / 34));
}

export function cpuWrites(cpu: Cpu, host: Pick<HostFacts, 'onlineCpus'>): LimitWrite[] {
  refuseRealtime(cpu);
  return [...weightWrites(cpu), ...bandwidthWrites(cpu), ...cpusetWrites(cpu, host)];
}

function cpuWrite(file: string, value: string, field: string): LimitWrite {
  return { file, value, field: `${FIELD}/${field}`, controller: 'cpu' };
}

/** An idle cgroup has a fixed weight and refuses another one (EINVAL), so leaving idle comes before the weight. */
function weightWrites({ idle, shares }: Cpu): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (idle !== undefined) {
    checkInteger(idle, `${FIELD}/idle`, { min: 0, max: 1, allowed: '0, or 1 for idle' });
    writes.push(cpuWrite('cpu.idle', String(idle), 'idle'));
  }
  if (shares !== undefined && shares !== 0 && idle !== 1) {
    checkInteger(shares, `${FIELD}/shares`, { min: 0, allowed: '2 to 262144; 1024 is one normal share' });
    writes.push(cpuWrite('cpu.weight', String(sharesToWeight(shares)), 'shares'));
  }
  return writes;
}

/** The kernel refuses a quota below the burst of before and a burst above the quota: so no burst, quota, burst. */
function bandwidthWrites({ quota, period, burst }: Cpu): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (burst !== undefined) writes.push(cpuWrite('cpu.max.burst', '0', 'burst'));
  const max = bandwidth(quota, period);
  if (max !== undefined) writes.push(cpuWrite('cpu.max', max, quota === undefined || quota === 0 ? 'period' : 'quota'));
  if (burst !== undefined && burst !== 0) {
    const most = quota !== undefined && quota > 0 ? quota : Number.MAX_SAFE_INTEGER;
    checkInteger(burst, `${FIELD}/burst`, { min: 0, max: most, allowed: 'microseconds, at most cpu.quota' });
    writes.push(cpuWrite('cpu.max.burst', String(burst), 'burst'));
  }
  return writes;
}

function bandwidth(quota = 0, period = 0): string | undefined {
  if (quota === 0 && period === 0) return undefined;
  if (quota !== 0 && quota !== -1) {
    checkInteger(quota, `${FIELD}/quota`, { min: MIN_US, allowed: 'at least 1000 microseconds, or -1 for no limit' });
  }
  if (period !== 0) {
    checkInteger(period, `${FIELD}/period`, { min: MIN_US, max: MAX_PERIOD_US, allowed: '1000 to 1000000 microseconds' });
  }
  return `${quota > 0 ? quota : 'max'} ${period === 0 ? DEFAULT_PERIOD_US : period}`;
}

function cpusetWrites(cpu: Cpu, { onlineCpus }: Pick<HostFacts, 'onlineCpus'>): LimitWrite[] {
  const writes: LimitWrite[] = [];
  for (const name of ['cpus', 'mems'] as const) {
    const list = cpu[name];
    if (list === undefined || list === '') continue;
    const numbers = checkList(list, `${FIELD}/${name}`);
    if (name === 'cpus' && onlineCpus !== undefined) checkOnline(numbers, list, onlineCpus);
    writes.push({ file: `cpuset.${name}`, value: list, field: `${FIELD}/${name}`, controller: 'cpuset' });
  }
  return writes;
}

function checkList(list: string, field: string): Set<number> {
  const fault = invalidLimit(field, list, "numbers and ranges, e.g. '0-3,6'");
  if (!/^\d{1,5}(-\d{1,5})?(, *\d{1,5}(-\d{1,5})?)*$/.test(list)) throw fault;
  for (const part of list.split(',')) {
    const [first = 0, last = first] = part.split('-').map(Number);
    if (first > last || last > largestCpu) throw fault;
  }
  return parseCpuList(list);
}

/** The kernel takes offline processors without a word and then lets the cgroup run on all of its parent's. */
function checkOnline(numbers: ReadonlySet<number>, list: string, onlineCpus: string): void {
  const online = parseCpuList(onlineCpus);
  const offline = [...numbers].find((cpu) => !online.has(cpu));
  if (offline !== undefined) {
    throw invalidLimit(`${FIELD}/cpus`, list, `processor ${offline} is not there; online are ${onlineCpus}`);
  }
}

function refuseRealtime(cpu: Cpu): void {
  for (const name of ['realtimeRuntime', 'realtimePeriod'] as const) {
    if (cpu[name] !== undefined && cpu[name] !== 0) {
      throw unsupported(`${FIELD}/${name}`, 'realtime bandwidth per cgroup', 'leave it out; process.scheduler sets a realtime policy');
    }
  }
}
