/** New limits for a live cgroup, without blocking the event loop. */
import { join } from 'node:path';
import { readFile, writeFile } from '../host/files.js';
import { changeLimits as changeWork, checkUsage as checkWork, writeLimits, type Access, type LimitWork } from '../cgroup/change-limits.js';
import type { LimitWrite, UsageCheck } from '../cgroup/limit-types.js';
import type { HostFacts } from '../host/facts.js';
import { TsrunError } from '../spec/errors.js';
import type { Resources } from '../spec/types.js';
import { validateResources } from '../spec/validate.js';

/** @throws as `Container.update` does, before anything is changed or with all of it undone */
export async function changeLimits(cgroup: string, resources: Resources, host: HostFacts): Promise<void> {
  const valid = validateResources(resources);
  refuseDevices(valid);
  await doWork(cgroup, changeWork(valid, host));
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
  await doWork(cgroup, checkWork(checks));
}

/** @throws ERR_TSRUN_SETUP for the first that the kernel does not take; what was written before it is as it was again */
export async function applyLimits(cgroup: string, writes: readonly LimitWrite[]): Promise<void> {
  await doWork(cgroup, writeLimits(writes));
}

async function doWork(cgroup: string, work: LimitWork): Promise<void> {
  for (let step = work.next(); step.done !== true; ) {
    const proceed = await access(cgroup, step.value).then((text) => () => work.next(text), (error: unknown) => () => work.throw(error));
    step = proceed();
  }
}

async function access(cgroup: string, { file, value }: Access): Promise<string> {
  const path = join(cgroup, file);
  if (value === undefined) return readFile(path, 'utf8');
  await writeFile(path, value);
  return '';
}
