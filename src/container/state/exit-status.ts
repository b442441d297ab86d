/** How a container ended, in words that do not have to be guessed from an exit code. */
import { parseFlat } from '../../cgroup/stats.js';
import { signalName } from '../../spec/signals.js';
import type { EventExited } from '../../plan/wire.generated.js';

/**
 * Why the program ended. `oom`: it was killed by SIGKILL, which no client of the launcher had asked for, and the cgroup counted
 * a kill for want of memory. Who asked gets `signal`, even where the kernel may have been quicker. Exit code 137 alone means nothing.
 * `timeout`: its `timeoutMs` were over before; only who set it is told so.
 */
export type ExitCause = 'exit' | 'signal' | 'oom' | 'timeout' | 'lost';

/**
 * What was used from start to end. Without a cgroup it is what the first process and the children that it waited for used
 * (getrusage(2)).
 */
export interface Usage {
  /** Processor time of the whole container, in microseconds. */
  readonly cpuUs: number;
  /** Of `cpuUs`, outside the kernel. */
  readonly userUs: number;
  /** Of `cpuUs`, in the kernel. */
  readonly systemUs: number;
  /** Most memory that the container held at once; absent where the memory controller is not on cgroup v2. */
  readonly memoryPeakBytes?: number;
  /** Largest resident set of the first process. */
  readonly maxRssBytes: number;
  /** Absent where the io controller is not on cgroup v2. */
  readonly readBytes?: number;
  /** Bytes written to block devices, as `readBytes`. */
  readonly writtenBytes?: number;
}

/** How a container or a process in it ended, and what it used. */
export interface ExitStatus {
  /** The program's exit code, or 128 + signal. */
  readonly code: number;
  /** Name of the signal that ended it. */
  readonly signal?: string;
  /** Why it ended. */
  readonly cause: ExitCause;
  /** From the start of the first process to its end, in milliseconds. */
  readonly durationMs: number;
  /** What it used, all processes together. */
  readonly usage: Usage;
  /** Processes killed for want of memory. */
  readonly oomKills: number;
  /** How often all of it was killed together for want of memory (`memory.oom.group`; Linux 5.17). */
  readonly oomGroupKills: number;
  /** Forks refused by the pids limit. */
  readonly pidsRefused: number;
}

export function exitStatus(event: EventExited): ExitStatus {
  const reports = new Map(event.reports.map((name, index) => [name, event.contents[index] ?? '']));
  const memory = parseFlat(reports.get('memory.events') ?? '');
  const pids = parseFlat(reports.get('pids.events') ?? '');
  const signal = event.status & 0x7f;
  const oomKills = memory['oom_kill'] ?? 0;
  const killed = signal === 9 && !event.killed;
  return {
    code: signal === 0 ? (event.status >> 8) & 0xff : 128 + signal,
    ...(signal === 0 ? {} : { signal: signalName(signal) }),
    cause: killed && oomKills > 0 ? 'oom' : signal === 0 ? 'exit' : 'signal',
    durationMs: Number(event.endedNs - event.startedNs) / 1e6,
    usage: usage(event, reports),
    oomKills,
    oomGroupKills: memory['oom_group_kill'] ?? 0,
    pidsRefused: pids['max'] ?? 0,
  };
}

function usage(event: EventExited, reports: ReadonlyMap<string, string>): Usage {
  const cpu = parseFlat(reports.get('cpu.stat') ?? '');
  const [userUs, systemUs] = [cpu['user_usec'] ?? Number(event.userUs), cpu['system_usec'] ?? Number(event.systemUs)];
  const peak = reports.get('memory.peak');
  const io = reports.get('io.stat');
  return {
    cpuUs: cpu['usage_usec'] ?? userUs + systemUs,
    userUs,
    systemUs,
    maxRssBytes: Number(event.maxRssBytes),
    ...(peak === undefined || peak === '' ? {} : { memoryPeakBytes: Number(peak) }),
    ...(io === undefined ? {} : { readBytes: sum(io, 'rbytes'), writtenBytes: sum(io, 'wbytes') }),
  };
}

function sum(ioStat: string, key: string): number {
  return [...ioStat.matchAll(new RegExp(`${key}=(\\d+)`, 'g'))].reduce((total, [, bytes]) => total + Number(bytes), 0);
}

/** The launcher died before it could say. */
export function lostStatus(): ExitStatus {
  return { code: 255, cause: 'lost', durationMs: 0, usage: { cpuUs: 0, userUs: 0, systemUs: 0, maxRssBytes: 0 }, oomKills: 0, oomGroupKills: 0, pidsRefused: 0 };
}
