/** New limits for a live cgroup: all of them, or none. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LimitWrite, UsageCheck } from '../cgroup/limit-types.js';
import { limitsToWrites, missingLimitError } from '../cgroup/limits.js';
import type { HostFacts } from '../host/facts.js';
import { errnoName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';
import type { Resources } from '../spec/types.js';
import { validateResources } from '../spec/validate.js';

/** Files with a line a device, each of which is written by itself; and what takes a device's limits away. */
const byDevice: Readonly<Record<string, string>> = {
  'io.max': 'rbps=max wbps=max riops=max wiops=max',
  'rdma.max': 'hca_handle=max hca_object=max',
  'io.weight': 'default',
  'io.bfq.weight': 'default',
  'misc.max': 'max',
  'dmem.max': 'max',
};

/** @throws as `Container.update` does, before anything is changed or with all of it undone */
export async function changeLimits(cgroup: string, resources: Resources, host: HostFacts): Promise<void> {
  const valid = validateResources(resources);
  refuseDevices(valid);
  const { writes, missing, checks } = limitsToWrites(valid, host);
  const [first] = missing;
  if (first !== undefined) throw missingLimitError(first);
  await checkUsage(cgroup, checks);
  await applyLimits(cgroup, writes);
}

/** No file of cgroup v2 holds them: they are a program that is attached before the container starts. */
function refuseDevices({ devices }: Resources): void {
  if (devices === undefined) return;
  throw new TsrunError('ERR_TSRUN_UNSUPPORTED', 'device rules of a live container cannot be changed', {
    field: '/devices',
    hint: 'leave devices out, or start the container anew with them',
  });
}

/** @throws ERR_TSRUN_STATE when more is in use than the new limits allow */
export async function checkUsage(cgroup: string, checks: readonly UsageCheck[]): Promise<void> {
  for (const { files, atMost, field } of checks) {
    const used = await Promise.all(files.map((file) => readFile(join(cgroup, file), 'utf8')));
    const total = used.reduce((sum, text) => sum + Number(text), 0);
    if (total <= atMost) continue;
    throw new TsrunError('ERR_TSRUN_STATE', `${total} bytes are in use, more than the new limit of ${atMost}`, { field, hint: 'choose a higher limit' });
  }
}

interface Undo {
  readonly file: string;
  readonly value: string;
}

/** @throws ERR_TSRUN_SETUP for the first that the kernel does not take; what was written before it is as it was again */
export async function applyLimits(cgroup: string, writes: readonly LimitWrite[]): Promise<void> {
  const done: Undo[] = [];
  for (const write of writes) {
    try {
      const undo = await undoOf(cgroup, write);
      await writeFile(join(cgroup, write.file), write.value);
      done.unshift(undo);
    } catch (cause) {
      throw failure(write, cause, await restore(cgroup, done));
    }
  }
}

async function undoOf(cgroup: string, { file, value }: LimitWrite): Promise<Undo> {
  const before = (await readFile(join(cgroup, file), 'utf8')).trimEnd();
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
async function restore(cgroup: string, undos: readonly Undo[]): Promise<string[]> {
  const kept: string[] = [];
  for (const { file, value } of undos) {
    // Nothing at all would be no write: an empty list of processors takes a line.
    await writeFile(join(cgroup, file), `${value}\n`).catch(() => kept.push(file));
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
