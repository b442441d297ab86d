/**
 * New limits for a live cgroup: all of them, or none. What is to be read and written comes out one by one, for whoever does it:
 * Node without waiting for it, tsrun-oci by system calls.
 */
import type { HostFacts } from '../host/facts.js';
import { errnoName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';
import type { Resources } from '../spec/types.js';
import type { LimitWrite, UsageCheck } from './limit-types.js';
import { limitsToWrites, missingLimitError } from './limits.js';

/** A file of the cgroup, to be read or, with a value, written. */
export interface Access {
  readonly file: string;
  readonly value?: string;
}

/** Is given what was read, or thrown what an access failed with. */
export type LimitWork = Generator<Access, void, string>;

/** Files with a line a device, each of which is written by itself; and what takes a device's limits away. */
const byDevice: Readonly<Record<string, string>> = {
  'io.max': 'rbps=max wbps=max riops=max wiops=max',
  'rdma.max': 'hca_handle=max hca_object=max',
  'io.weight': 'default',
  'io.bfq.weight': 'default',
  'misc.max': 'max',
  'dmem.max': 'max',
};

/** @throws ERR_TSRUN_LIMIT_UNAVAILABLE before anything is changed; and what `checkUsage` and `writeLimits` throw */
export function* changeLimits(resources: Resources, host: HostFacts): LimitWork {
  const { writes, missing, checks } = limitsToWrites(resources, host);
  const [first] = missing;
  if (first !== undefined) throw missingLimitError(first);
  yield* checkUsage(checks);
  yield* writeLimits(writes);
}

/** @throws ERR_TSRUN_STATE when more is in use than the new limits allow */
export function* checkUsage(checks: readonly UsageCheck[]): LimitWork {
  for (const { files, atMost, field } of checks) {
    let total = 0;
    for (const file of files) total += Number(yield { file });
    if (total <= atMost) continue;
    throw new TsrunError('ERR_TSRUN_STATE', `${total} bytes are in use, more than the new limit of ${atMost}`, { field, hint: 'choose a higher limit' });
  }
}

interface Undo {
  readonly file: string;
  readonly value: string;
}

/** @throws ERR_TSRUN_SETUP for the first that the kernel does not take; what was written before it is as it was again */
export function* writeLimits(writes: readonly LimitWrite[]): LimitWork {
  const done: Undo[] = [];
  for (const write of writes) {
    try {
      const undo = undoOf(write, yield { file: write.file });
      yield { file: write.file, value: write.value };
      done.unshift(undo);
    } catch (cause) {
      throw failure(write, cause, yield* restore(done));
    }
  }
}

function undoOf({ file, value }: LimitWrite, content: string): Undo {
  const before = content.trimEnd();
  const none = byDevice[file];
  if (none === undefined) return { file, value: before };
  const key = keyOf(value);
  return { file, value: before.split('\n').find((line) => line.startsWith(`${key} `)) ?? `${key} ${none}` };
}

/** The device; a weight alone is that of every device without one of its own (cgroup-v2.rst, io.weight). */
function keyOf(value: string): string {
  const [key = '', ...rest] = value.trim().split(/\s+/);
  return rest.length === 0 ? 'default' : key;
}

/** Names of the files that could not be set back. */
function* restore(undos: readonly Undo[]): Generator<Access, string[], string> {
  const kept: string[] = [];
  for (const { file, value } of undos) {
    try {
      // Nothing at all would be no write: an empty list of processors takes a line.
      yield { file, value: `${value}\n` };
    } catch {
      kept.push(file);
    }
  }
  return kept;
}

function failure({ file, value, field }: LimitWrite, cause: unknown, kept: readonly string[]): TsrunError {
  const errno = errnoName(cause);
  const rest = kept.length === 0 ? 'nothing was changed' : `${kept.join(', ')} could not be set back`;
  return new TsrunError('ERR_TSRUN_SETUP', `the kernel does not take '${value}' for ${file}${errno === undefined ? '' : ` (${errno})`}: ${rest}`, { field, hint: hintFor(errno, file), cause });
}

function hintFor(errno: string | undefined, file: string): string {
  if (errno === 'ENOENT' || errno === 'ENODEV') return 'the container may have ended, or the kernel lacks the file: see tsrun doctor';
  if (errno === 'EBUSY') return 'more is in use than the new limit allows: choose a higher one';
  if (errno === 'EACCES' || errno === 'EPERM') return 'the cgroup is not delegated to this user: see tsrun doctor';
  return `cgroup-v2.rst of the kernel says what ${file} takes`;
}
