/** What the state root and the cgroup say of a container, whoever started it. */
import { isFrozen } from '../cgroup/control.js';
import { Reader } from '../plan/codec.js';
import { decodeEvent } from '../plan/wire.generated.js';
import { TsrunError } from '../spec/errors.js';
import { exitStatus, type ExitStatus } from './exit-status.js';
import type { ContainerRecord } from './record.js';
import type { StateRoot } from './state-root.js';

/** What `list` and `inspect` know of a container. */
export interface ContainerSummary {
  /** Its name. */
  readonly id: string;
  /** `running` is also one that was created and waits; `paused` as its cgroup says. */
  readonly state: 'running' | 'paused' | 'stopped';
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
  if (record === undefined) return undefined;
  const bytes = root.readExit(id);
  if (bytes !== undefined) {
    const exit = readExit(bytes);
    const endedAtMs = root.endedAtMs(id);
    return { id, state: 'stopped', ...(exit !== undefined && { exit }), record, ...(endedAtMs !== undefined && { endedAtMs }) };
  }
  const pid = root.readPid(id);
  const state = record.cgroup !== '' && isFrozen(record.cgroup) ? 'paused' : 'running';
  return { id, state, record, ...(pid !== undefined && { pid }) };
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

/** One record that another version wrote must not hide all others. */
export function listSummaries(root: StateRoot): ContainerSummary[] {
  return root.ids().flatMap((id) => {
    try {
      return readSummary(root, id) ?? [];
    } catch (error) {
      if (TsrunError.is(error)) return [];
      throw error;
    }
  });
}
