/**
 * Limits as properties of a unit. The files of the cgroup are written all the same, for systemd does not know all of them and is less exact; but
 * what it knows of and was not told it writes anew when it is reloaded.
 */
import { limitsToWrites, type LimitHost } from '../../cgroup/limits.js';
import { parseCpuList } from '../../host/probe.js';
import type { Resources } from '../../spec/types.js';
import type { BusValue } from './dbus-values.js';
import type { UnitProperty } from './unit-manager.js';

/** `max`, and no limit, to systemd. */
export const infinity = 2n ** 64n - 1n;
const defaultWeight = 100;
const defaultPeriodUs = 100_000;
const usPerSecond = 1_000_000;
/** systemd writes whole percents into its files. */
const percentUs = usPerSecond / 100;
const units = 'kmgtpe';
const allControllers = ['cpu', 'cpuset', 'memory', 'io', 'pids', 'hugetlb', 'rdma', 'misc', 'dmem'];

interface Row {
  /** The version of systemd that came to know it. */
  readonly since: number;
  readonly property: string;
  readonly signature: string;
  /** Undefined where the property does not speak of it. */
  readonly value: (text: string) => BusValue | undefined;
}

const table: Readonly<Record<string, readonly Row[]>> = {
  'memory.max': [bytes('MemoryMax', 231)],
  'memory.high': [bytes('MemoryHigh', 231)],
  'memory.low': [bytes('MemoryLow', 231)],
  'memory.min': [bytes('MemoryMin', 240)],
  'memory.swap.max': [bytes('MemorySwapMax', 232)],
  'memory.zswap.max': [bytes('MemoryZSwapMax', 253)],
  'pids.max': [bytes('TasksMax', 227)],
  'cpu.weight': [bytes('CPUWeight', 232)],
  // 0 is CPUWeight=idle; who is no more idle has the weight that all have.
  'cpu.idle': [{ since: 252, property: 'CPUWeight', signature: 't', value: (text) => (text === '1' ? 0 : defaultWeight) }],
  'cpu.max': [
    { since: 242, property: 'CPUQuotaPeriodUSec', signature: 't', value: (text) => bandwidthOf(text).period },
    { since: 213, property: 'CPUQuotaPerSecUSec', signature: 't', value: quotaPerSecond },
  ],
  'cpuset.cpus': [{ since: 244, property: 'AllowedCPUs', signature: 'ay', value: cpuMask }],
  'cpuset.mems': [{ since: 244, property: 'AllowedMemoryNodes', signature: 'ay', value: cpuMask }],
  // A line with a device is of that device alone, which systemd names by its path.
  'io.weight': [{ since: 230, property: 'IOWeight', signature: 't', value: (text) => (/^(?:default )?\d+$/.test(text) ? BigInt(text.replace('default ', '')) : undefined) }],
};

/** Of those that a systemd of this version knows; one for each property. */
export function unitProperties(resources: Resources, host: LimitHost, version: number): UnitProperty[] {
  const found = new Map<string, UnitProperty>();
  for (const { file, value: text } of limitsToWrites(resources, withAllControllers(host)).writes) {
    for (const { since, property, signature, value } of table[file] ?? []) {
      const converted = version >= since ? value(text.trim()) : undefined;
      if (converted !== undefined) found.set(property, { name: property, value: { signature, value: converted } });
    }
  }
  return [...found.values()];
}

/** What the host lacks is found out once the cgroup is there. */
function withAllControllers({ cgroup: { mode, root, v1Controllers }, ...host }: LimitHost): LimitHost {
  return { ...host, cgroup: { mode, root, v1Controllers, base: '/', controllers: allControllers, writable: true } };
}

/** The quota that systemd makes of it: rounded up to whole percents, as runc has it, so that nothing changes when systemd is reloaded. */
export function withWholePercents(resources: Resources): Resources {
  const { cpu } = resources;
  const { quota = 0, period = 0 } = cpu ?? {};
  if (quota <= 0) return resources;
  const periodUs = period === 0 ? defaultPeriodUs : period;
  return { ...resources, cpu: { ...cpu, quota: Math.floor((wholePercents(quota, periodUs) * periodUs) / usPerSecond) } };
}

function wholePercents(quotaUs: number, periodUs: number): number {
  return Math.ceil((quotaUs * usPerSecond) / periodUs / percentUs) * percentUs;
}

function quotaPerSecond(text: string): BusValue {
  const { quota, period } = bandwidthOf(text);
  return quota === 'max' ? infinity : wholePercents(Number(quota), period);
}

function bandwidthOf(text: string): { readonly quota: string; readonly period: number } {
  const [quota = 'max', period = defaultPeriodUs] = text.split(/\s+/);
  return { quota, period: Number(period) };
}

function bytes(property: string, since: number): Row {
  return { since, property, signature: 't', value: kernelNumber };
}

/** As the kernel reads one (memparse). */
function kernelNumber(text: string): bigint | undefined {
  if (text === 'max') return infinity;
  const [, number, unit = ''] = /^(0[xX][\da-fA-F]+|\d+)([kmgtpe]?)$/i.exec(text) ?? [];
  return number === undefined ? undefined : BigInt(number) << BigInt(unit === '' ? 0 : 10 * (units.indexOf(unit.toLowerCase()) + 1));
}

/** A bit for each, the lowest first. */
function cpuMask(list: string): BusValue {
  const numbers = parseCpuList(list);
  const mask = new Array<number>((Math.max(...numbers) >> 3) + 1).fill(0);
  for (const number of numbers) mask[number >> 3] = (mask[number >> 3] ?? 0) | (1 << (number & 7));
  return mask;
}
