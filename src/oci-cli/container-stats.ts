/**
 * What a container uses, in the words of runc's `events` (types/events.go there), which are those of cgroup v1. What v2 does not count
 * is 0, as runc has it: readers decode into types that want the fields.
 */
import { parseCpuStat, parseFlat, parseIoStat, parseLimit, parsePressure, type IoStats, type Pressure, type PressureLine } from '../cgroup/stats.js';
import { parseCpuList } from '../host/probe.js';
import { systemReader } from '../host/reader.js';
import { processesIn } from './cgroups.js';
import { existsSync, readdirSync } from './platform/fs.js';

/** In nanoseconds, where the kernel counts microseconds. */
const nsPerUs = 1000;
/** runc's word for no limit: all bits of a 64-bit number. */
const unlimited = 2n ** 64n - 1n;

type Read = (file: string) => string;

export function containerStats(cgroup: string): Readonly<Record<string, unknown>> {
  const read: Read = (file) => systemReader.read(`${cgroup}/${file}`) ?? '';
  return {
    cpu: cpuStats(read),
    cpuset: cpusetStats(read),
    memory: memoryStats(read),
    pids: { current: pidCount(cgroup, read), limit: countOrNone(read('pids.max')) },
    blkio: blockStats(read),
    hugetlb: Object.fromEntries(hugepageSizes(cgroup).map((size) => [size, hugepageStats(read, size)])),
    intel_rdt: {},
    network_interfaces: null,
  };
}

/** Threads, and without the controller processes, as runc has it. */
function pidCount(cgroup: string, read: Read): number {
  const text = read('pids.current');
  return text === '' ? processesIn(cgroup).length : Number(text);
}

function cpuStats(read: Read): unknown {
  const { usageUs, userUs, systemUs, throttling } = parseCpuStat(read('cpu.stat'));
  return {
    usage: { total: usageUs * nsPerUs, kernel: systemUs * nsPerUs, user: userUs * nsPerUs },
    throttling: throttling === undefined ? {} : { periods: throttling.periods, throttledPeriods: throttling.throttledPeriods, throttledTime: throttling.throttledUs * nsPerUs },
    ...pressureOf(read, 'cpu'),
  };
}

function cpusetStats(read: Read): unknown {
  const list = (file: string) => [...parseCpuList(read(file).trim())];
  const ofV1 = ['cpu_exclusive', 'mem_hardwall', 'mem_exclusive', 'memory_migrate', 'memory_spread_page', 'memory_spread_slab', 'memory_pressure', 'sched_load_balance', 'sched_relax_domain_level'];
  return { cpus: list('cpuset.cpus.effective'), mems: list('cpuset.mems.effective'), ...Object.fromEntries(ofV1.map((name) => [name, 0])) };
}

function memoryStats(read: Read): unknown {
  const raw = parseFlat(read('memory.stat'));
  const none = { limit: 0, usage: 0, max: 0, failcnt: 0 };
  const usage = Number(read('memory.current'));
  const limit = limitOf(read('memory.max'));
  const swapLimit = limitOf(read('memory.swap.max'));
  return {
    cache: raw['file'] ?? 0,
    usage: { limit, usage, max: Number(read('memory.peak')), failcnt: parseFlat(read('memory.events'))['max'] ?? 0 },
    // v1 counts memory and swap together.
    swap: { limit: limit === unlimited || swapLimit === unlimited ? unlimited : limit + swapLimit, usage: usage + Number(read('memory.swap.current')), max: 0, failcnt: parseFlat(read('memory.swap.events'))['fail'] ?? 0 },
    kernel: none,
    kernelTCP: none,
    raw,
    ...pressureOf(read, 'memory'),
  };
}

/** 0 without the controller. */
function limitOf(text: string): bigint {
  if (text === '') return 0n;
  const limit = parseLimit(text);
  return limit === 'max' ? unlimited : BigInt(limit);
}

/** Of processes runc says 0 for no limit. */
function countOrNone(text: string): number {
  const limit = parseLimit(text);
  return limit === 'max' ? 0 : limit;
}

function blockStats(read: Read): unknown {
  const devices = parseIoStat(read('io.stat'));
  const entries = (readName: 'readBytes' | 'reads', writeName: 'writtenBytes' | 'writes') =>
    devices.flatMap((device) => [entryOf(device, 'Read', device[readName]), entryOf(device, 'Write', device[writeName])]);
  return { ioServiceBytesRecursive: entries('readBytes', 'writtenBytes'), ioServicedRecursive: entries('reads', 'writes'), ...pressureOf(read, 'io') };
}

function entryOf({ device }: IoStats, op: string, value: number): unknown {
  const [major = 0, minor = 0] = device.split(':').map(Number);
  return { major, minor, op, value };
}

function hugepageSizes(cgroup: string): string[] {
  const names = existsSync(cgroup) ? readdirSync(cgroup) : [];
  return names.flatMap((name) => /^hugetlb\.(\w+)\.current$/.exec(name)?.[1] ?? []).sort();
}

function hugepageStats(read: Read, size: string): unknown {
  return { usage: Number(read(`hugetlb.${size}.current`)), max: 0, failcnt: parseFlat(read(`hugetlb.${size}.events`))['max'] ?? 0 };
}

function pressureOf(read: Read, resource: 'cpu' | 'memory' | 'io'): { readonly psi?: unknown } {
  const pressure: Pressure | undefined = parsePressure(read(`${resource}.pressure`));
  if (pressure === undefined) return {};
  const line = ({ avg10, avg60, avg300, totalUs }: PressureLine) => ({ avg10, avg60, avg300, total: totalUs });
  return { psi: { some: line(pressure.some), ...(pressure.full !== undefined && { full: line(pressure.full) }) } };
}
