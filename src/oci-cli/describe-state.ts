/** A container's state as runtime.md has it, with runc's further fields. */
import type { ContainerRecord, StateFolder } from './state.js';
import { statusOf, type Status } from './status.js';

export interface State {
  readonly ociVersion: string;
  readonly id: string;
  readonly pid: number;
  readonly status: Status;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, unknown>>;
  readonly owner: string;
}

export function describeState(folder: StateFolder, record: ContainerRecord): State {
  const status = statusOf(folder, record);
  const annotations = fieldOf(record.spec, 'annotations');
  const version = fieldOf(record.spec, 'ociVersion');
  return {
    ociVersion: typeof version === 'string' ? version : '1.0.0',
    id: record.id,
    pid: status === 'stopped' ? 0 : (record.init?.pid ?? 0),
    status,
    bundle: record.bundle,
    rootfs: record.rootfs,
    created: record.created,
    ...(typeof annotations === 'object' && annotations !== null ? { annotations: { ...annotations } } : {}),
    owner: record.owner,
  };
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
}
