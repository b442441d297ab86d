/** What a cgroup has used: parsers of the kernel's files. */

/** `max` where the kernel knows no limit. */
export type Limit = number | 'max';

/** What a container uses now, as cgroup v2 counts it: all of its processes, and what ended ones have used. */
export interface ContainerStats {
  /** Processor time. */
  readonly cpu: CpuStats;
  /** Absent while the host's v2 tree does not hold the memory controller; likewise the next ones. */
  readonly memory?: MemoryStats;
  /** Processes and threads. */
  readonly pids?: PidsStats;
  /** Traffic of block devices, those that had any. */
  readonly io?: readonly IoStats[];
  /** How much the container waited (PSI, psi(5)); absent files are of a kernel that does not count it, or has it switched off. */
  readonly pressure: { readonly cpu?: Pressure; readonly memory?: Pressure; readonly io?: Pressure };
}

/** Processor time in microseconds, from `cpu.stat`. */
export interface CpuStats {
  /** All of it. */
  readonly usageUs: number;
  /** Of that, outside the kernel. */
  readonly userUs: number;
  /** Of that, in the kernel. */
  readonly systemUs: number;
  /** Only with the cpu controller: how often and for how long cpu.max held the container back. */
  readonly throttling?: { readonly periods: number; readonly throttledPeriods: number; readonly throttledUs: number; readonly bursts: number; readonly burstUs: number };
}

/** Memory, page cache included. */
export interface MemoryStats {
  /** In use now: `memory.current`. */
  readonly currentBytes: number;
  /** Linux 5.19. */
  readonly peakBytes?: number;
  /** The limit: `memory.max`. */
  readonly maxBytes: Limit;
  /** Swapped out now; absent on a host without swap accounting. */
  readonly swapBytes?: number;
  /** The limit of swap alone: `memory.swap.max`. */
  readonly swapMaxBytes?: Limit;
  /** What happened for want of memory. */
  readonly events: MemoryEvents;
  /** memory.stat as it is: bytes and counts by the kernel's names (`anon`, `file`, `pgfault` …). */
  readonly stat: Readonly<Record<string, number>>;
}

/** How often something happened for want of memory, from `memory.events`. */
export interface MemoryEvents {
  /** Memory was reclaimed although the container was below its reservation: more is reserved on this host than there is. */
  readonly low: number;
  /** The container was held back for being above `memory.high`. */
  readonly high: number;
  /** How often the limit was reached; most such events end in reclaim, not in a kill. */
  readonly max: number;
  /** An allocation was about to fail at the limit; not each ends in a kill. */
  readonly oom: number;
  /** Processes killed for want of memory. */
  readonly oomKill: number;
  /** Linux 5.17. */
  readonly oomGroupKill: number;
}

/** Processes and threads, from the pids controller. */
export interface PidsStats {
  /** Alive now. */
  readonly current: number;
  /** The limit: `pids.max`. */
  readonly max: Limit;
  /** How often a fork failed because of the limit. */
  readonly refusedForks: number;
}

/** Traffic of one block device since the start, from `io.stat`. */
export interface IoStats {
  /** `major:minor`. */
  readonly device: string;
  /** Bytes read from the device; what the page cache answered does not count. */
  readonly readBytes: number;
  /** Bytes written to the device; what still lies in the page cache does not count. */
  readonly writtenBytes: number;
  /** Read operations. */
  readonly reads: number;
  /** Write operations. */
  readonly writes: number;
  /** Bytes discarded (TRIM). */
  readonly discardedBytes: number;
  /** Discard operations. */
  readonly discards: number;
}

/** How much of the time tasks waited, in percent over three windows. */
export interface PressureLine {
  /** Share of time in percent over the last 10, 60 and 300 seconds. */
  readonly avg10: number;
  /** Over the last 60 seconds. */
  readonly avg60: number;
  /** Over the last 300 seconds. */
  readonly avg300: number;
  /** Time waited since the start, in microseconds. */
  readonly totalUs: number;
}

/** One resource's file of pressure stall information (psi(5)). */
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
