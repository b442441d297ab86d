/** A container's state as runtime.md has it, with runc's further fields. */
import type { JsonValue } from '../spec/json.js';
import { fieldOf } from './fields.js';
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
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
}

export function describeState(folder: StateFolder, record: ContainerRecord): State {
  const status = statusOf(folder, record);
  const annotations = annotationsOf(record.spec);
  return {
    ociVersion: versionOf(record.spec),
    id: record.id,
    pid: status === 'stopped' ? 0 : (record.init?.pid ?? 0),
    status,
    bundle: record.bundle,
    rootfs: record.rootfs,
    created: record.created,
    ...(annotations === undefined ? {} : { annotations }),
    owner: record.owner,
  };
}

export function versionOf(spec: JsonValue): string {
  const version = fieldOf(spec, 'ociVersion');
  return typeof version === 'string' ? version : '1.0.0';
}

export function annotationsOf(spec: JsonValue): Readonly<Record<string, string>> | undefined {
  const annotations = fieldOf(spec, 'annotations');
  if (typeof annotations !== 'object' || annotations === null) return undefined;
  return Object.fromEntries(Object.entries(annotations).map(([key, value]) => [key, String(value)]));
}
