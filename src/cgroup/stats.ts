/** What a cgroup has used. Pure parsers of the kernel's files, and `readStats`, which reads them all. */
import { readFile } from 'node:fs/promises';
import { errnoOf } from './errno.js';

/** `max` where the kernel knows no limit. */
export type Limit = number | 'max';

export interface ContainerStats {
  readonly cpu: CpuStats;
  /** Absent while the host's v2 tree does not hold the memory controller; likewise the next ones. */
  readonly memory?: MemoryStats;
  readonly pids?: PidsStats;
  readonly io?: readonly IoStats[];
  readonly pressure: { readonly cpu?: Pressure; readonly memory?: Pressure; readonly io?: Pressure };
}

export interface CpuStats {
  readonly usageUs: number;
  readonly userUs: number;
  readonly systemUs: number;
  /** Only with the cpu controller: how often and for how long cpu.max held the container back. */
  readonly throttling?: { readonly periods: number; readonly throttledPeriods: number; readonly throttledUs: number; readonly bursts: number; readonly burstUs: number };
}

export interface MemoryStats {
  readonly currentBytes: number;
  /** Linux 5.19. */
  readonly peakBytes?: number;
  readonly maxBytes: Limit;
  readonly swapBytes?: number;
  readonly swapMaxBytes?: Limit;
  readonly events: MemoryEvents;
  /** memory.stat as it is: bytes and counts by the kernel's names (`anon`, `file`, `pgfault` …). */
  readonly stat: Readonly<Record<string, number>>;
}

export interface MemoryEvents {
  readonly low: number;
  readonly high: number;
  /** How often the limit was reached; most such events end in reclaim, not in a kill. */
  readonly max: number;
  readonly oom: number;
  readonly oomKill: number;
  /** Linux 5.17. */
  readonly oomGroupKill: number;
}

export interface PidsStats {
  readonly current: number;
  readonly max: Limit;
  /** How often a fork failed because of the limit. */
  readonly refusedForks: number;
}

export interface IoStats {
  /** `major:minor`. */
  readonly device: string;
  readonly readBytes: number;
  readonly writtenBytes: number;
  readonly reads: number;
  readonly writes: number;
  readonly discardedBytes: number;
  readonly discards: number;
}

export interface PressureLine {
  /** Share of time in percent over the last 10, 60 and 300 seconds. */
  readonly avg10: number;
  readonly avg60: number;
  readonly avg300: number;
  readonly totalUs: number;
}

export interface Pressure {
  /** At least one task waited. */
  readonly some: PressureLine;
  /** All tasks waited at once; cpu has it from Linux 5.13 on. */
  readonly full?: PressureLine;
}

/** Lines of `name number`. */
export function parseFlat(text: string): Record<string, number> {
  const values: Record<string, number> = {};
  for (const line of text.split('\n')) {
    const space = line.lastIndexOf(' ');
    if (space > 0) values[line.slice(0, space)] = Number(line.slice(space + 1));
  }
  return values;
}

export function parseLimit(text: string): Limit {
  const trimmed = text.trim();
  return trimmed === 'max' ? 'max' : Number(trimmed);
}

export function parseCpuStat(text: string): CpuStats {
  const flat = parseFlat(text);
  const total = { usageUs: flat['usage_usec'] ?? 0, userUs: flat['user_usec'] ?? 0, systemUs: flat['system_usec'] ?? 0 };
  const periods = flat['nr_periods'];
  if (periods === undefined) return total;
  const throttling = {
    periods,
    throttledPeriods: flat['nr_throttled'] ?? 0,
    throttledUs: flat['throttled_usec'] ?? 0,
    bursts: flat['nr_bursts'] ?? 0,
    burstUs: flat['burst_usec'] ?? 0,
  };
  return { ...total, throttling };
}

export function parseMemoryEvents(text: string): MemoryEvents {
  const flat = parseFlat(text);
  return {
    low: flat['low'] ?? 0,
    high: flat['high'] ?? 0,
    max: flat['max'] ?? 0,
    oom: flat['oom'] ?? 0,
    oomKill: flat['oom_kill'] ?? 0,
    oomGroupKill: flat['oom_group_kill'] ?? 0,
  };
}

/** A device without traffic is a line with nothing but its number. */
export function parseIoStat(text: string): IoStats[] {
  return text.split('\n').flatMap((line) => {
    const [device = '', ...pairs] = line.trim().split(' ');
    if (!/^\d+:\d+$/.test(device)) return [];
    const values = parseFlat(pairs.join('\n').replaceAll('=', ' '));
    const io = {
      device,
      readBytes: values['rbytes'] ?? 0,
      writtenBytes: values['wbytes'] ?? 0,
      reads: values['rios'] ?? 0,
      writes: values['wios'] ?? 0,
      discardedBytes: values['dbytes'] ?? 0,
      discards: values['dios'] ?? 0,
    };
    return [io];
  });
}

export function parsePressure(text: string): Pressure | undefined {
  const some = pressureLine(text, 'some');
  const full = pressureLine(text, 'full');
  return some === undefined ? undefined : { some, ...(full === undefined ? {} : { full }) };
}

function pressureLine(text: string, kind: 'some' | 'full'): PressureLine | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${kind} `));
  if (line === undefined) return undefined;
  const values = parseFlat(line.slice(kind.length + 1).replaceAll(' ', '\n').replaceAll('=', ' '));
  return { avg10: values['avg10'] ?? 0, avg60: values['avg60'] ?? 0, avg300: values['avg300'] ?? 0, totalUs: values['total'] ?? 0 };
}

/** Undefined when the cgroup is gone. Files that this host does not have are left out. */
export async function readStats(cgroupDir: string): Promise<ContainerStats | undefined> {
  const read = async (file: string): Promise<string | undefined> => {
    try {
      return await readFile(`${cgroupDir}/${file}`, 'utf8');
    } catch (error) {
      // ENODEV: removed between open and read; EOPNOTSUPP: pressure is switched off
      if (['ENOENT', 'ENODEV', 'EOPNOTSUPP', 'ENOTSUP'].includes(errnoOf(error))) return undefined;
      throw error;
    }
  };
  const [cpu, memory, pids, io, pressure] = await Promise.all([
    read('cpu.stat'),
    readMemory(read),
    readPids(read),
    read('io.stat'),
    readPressure(read),
  ]);
  if (cpu === undefined) return undefined;
  return {
    cpu: parseCpuStat(cpu),
    ...(memory === undefined ? {} : { memory }),
    ...(pids === undefined ? {} : { pids }),
    ...(io === undefined ? {} : { io: parseIoStat(io) }),
    pressure,
  };
}

type Read = (file: string) => Promise<string | undefined>;

async function readMemory(read: Read): Promise<MemoryStats | undefined> {
  const [current, peak, max, swap, swapMax, events, stat] = await Promise.all(
    ['current', 'peak', 'max', 'swap.current', 'swap.max', 'events', 'stat'].map((name) => read(`memory.${name}`)),
  );
  if (current === undefined) return undefined;
  return {
    currentBytes: Number(current),
    ...(peak === undefined ? {} : { peakBytes: Number(peak) }),
    maxBytes: parseLimit(max ?? 'max'),
    ...(swap === undefined ? {} : { swapBytes: Number(swap) }),
    ...(swapMax === undefined ? {} : { swapMaxBytes: parseLimit(swapMax) }),
    events: parseMemoryEvents(events ?? ''),
    stat: parseFlat(stat ?? ''),
  };
}

async function readPids(read: Read): Promise<PidsStats | undefined> {
  const [current, max, events] = await Promise.all([read('pids.current'), read('pids.max'), read('pids.events')]);
  if (current === undefined) return undefined;
  return { current: Number(current), max: parseLimit(max ?? 'max'), refusedForks: parseFlat(events ?? '')['max'] ?? 0 };
}

async function readPressure(read: Read): Promise<ContainerStats['pressure']> {
  const [cpu, memory, io] = await Promise.all(['cpu', 'memory', 'io'].map(async (name) => parsePressure((await read(`${name}.pressure`)) ?? '')));
  return {
    ...(cpu === undefined ? {} : { cpu }),
    ...(memory === undefined ? {} : { memory }),
    ...(io === undefined ? {} : { io }),
  };
}
