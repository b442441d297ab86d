/** What the state root and the cgroup say of a container, whoever started it. */
import { readFileSync } from 'node:fs';
import { isFrozen } from '../../cgroup/control.js';
import { Reader } from '../../plan/codec.js';
import { decodeEvent } from '../../plan/wire.generated.js';
import { TsrunError } from '../../spec/errors.js';
import { exitStatus, type ExitStatus } from './exit-status.js';
import type { ContainerRecord } from './record.js';
import type { StateRoot } from './state-root.js';

/** What `list` and `inspect` know of a container. */
export interface ContainerSummary {
  /** Its name. */
  readonly id: string;
  /** `created`: its program waits for `start()`; `paused` as its cgroup says. */
  readonly state: 'created' | 'running' | 'paused' | 'stopped';
  /** Of the first process, as the host counts; absent before it was born and after it has ended. */
  readonly pid?: number;
  /** How it ended; only of one that was kept (`autoRemove: false`). */
  readonly exit?: ExitStatus;
  /** When it ended, by the host's clock. */
  readonly endedAtMs?: number;
  /** What is remembered of it. */
  readonly record: ContainerRecord;
}

export function readSummary(root: StateRoot, id: string): ContainerSummary | undefined {
  const record = root.read(id);
  return record === undefined ? undefined : summaryOf(root, record);
}

export function summaryOf(root: StateRoot, record: ContainerRecord): ContainerSummary {
  const { id } = record;
  const bytes = root.readExit(id);
  if (bytes !== undefined) {
    const exit = readExit(bytes);
    const endedAtMs = root.endedAtMs(id);
    return { id, state: 'stopped', ...(exit !== undefined && { exit }), record, ...(endedAtMs !== undefined && { endedAtMs }) };
  }
  const pid = root.readPid(id);
  return { id, state: stateOf(record, pid), record, ...(pid !== undefined && { pid }) };
}

function stateOf(record: ContainerRecord, pid: number | undefined): ContainerSummary['state'] {
  if (record.cgroup !== '' && isFrozen(record.cgroup)) return 'paused';
  return record.awaitsStart === true && (pid === undefined || isLauncher(pid)) ? 'created' : 'running';
}

/** The first process has the launcher's name until it executes the program. */
function isLauncher(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8') === 'tsrun-launcher\n';
  } catch {
    return false;
  }
}

/** Undefined when it was cut short, or written by another version: it has ended all the same. */
function readExit(bytes: Buffer): ExitStatus | undefined {
  try {
    const event = decodeEvent(bytes.readUInt32LE(0), new Reader(bytes, 8));
    return event.op === 'exited' ? exitStatus(event) : undefined;
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Those that somebody started. One record that another version wrote must not hide all others. */
export function listSummaries(root: StateRoot): ContainerSummary[] {
  return root.ids().flatMap((id) => {
    try {
      const summary = readSummary(root, id);
      return summary === undefined || summary.record.internal === true ? [] : [summary];
    } catch (error) {
      if (TsrunError.is(error)) return [];
      throw error;
    }
  });
}
