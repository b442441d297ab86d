/** Processes by pid and start time, so that no reused pid is ever taken for one of ours. */
import { constants as osConstants } from 'node:os';
import { systemReader } from '../host/reader.js';
import { errnoName } from '../spec/errno.js';
import { readFileSync } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

/** Fields of /proc/PID/stat after the name, counted from 0 (proc_pid_stat(5)). */
const stateField = 0;
const flagsField = 6;
const startTimeField = 19;

/** PF_EXITING of the kernel's sched.h. */
const exiting = 0x4;

export interface ProcessName {
  readonly pid: number;
  /** Clock ticks after boot: no other process had this pid then. */
  readonly startTicks: number;
}

interface Stat {
  readonly state: string;
  readonly flags: number;
  readonly startTicks: number;
}

let isChecked = false;

/** In a /proc of other processes than this one counts, pids stand for strangers: what lives would be taken for gone, and removed (proc(5)). */
function checkProc(): void {
  if (isChecked) return;
  const pids = /^NSpid:\s+(.*)$/m.exec(systemReader.read('/proc/self/status') ?? '')?.[1]?.split(/\s+/) ?? [];
  if (pids.length !== 1) throw new RuntimeError('/proc is not that of this process\'s pid namespace: mount one there (unshare --mount-proc)');
  isChecked = true;
}

function statOf(pid: number): Stat | undefined {
  checkProc();
  const text = readStat(pid);
  if (text === undefined) return undefined;
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return { state: fields[stateField] ?? '', flags: Number(fields[flagsField]), startTicks: Number(fields[startTimeField]) };
}

/** Only what is known to be gone is: a record whose process cannot be looked at is not taken away. */
function readStat(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (['ENOENT', 'ESRCH'].includes(errnoName(error) ?? '')) return undefined;
    throw error;
  }
}

/** What a process that lives is known by later. */
export function nameProcess(pid: number): ProcessName {
  const stat = statOf(pid);
  if (stat === undefined) throw new RuntimeError(`process ${pid} is gone`);
  return { pid, startTicks: stat.startTicks };
}

/** A zombie lives no more. */
export function lives({ pid, startTicks }: ProcessName): boolean {
  const stat = statOf(pid);
  return stat?.startTicks === startTicks && stat.state !== 'Z' && stat.state !== 'X';
}

/** It has begun to end: nothing of its program runs any more, though it may be waiting for others, and looks as if it slept. */
export function isExiting({ pid, startTicks }: ProcessName): boolean {
  const stat = statOf(pid);
  return stat?.startTicks === startTicks && (stat.flags & exiting) !== 0;
}

/** False when it is gone. */
export function signalProcess(name: ProcessName, signal: number): boolean {
  let process: number;
  try {
    process = host.openProcess(name.pid);
  } catch {
    return false;
  }
  try {
    // Compared when the descriptor is there: it stands for one process for ever.
    if (!lives(name)) return false;
    host.signalProcess(process, signal);
    return true;
  } catch (error) {
    if (error instanceof Error && 'errno' in error && error.errno === osConstants.errno.ESRCH) return false;
    throw error;
  } finally {
    host.close(process);
  }
}
