/** Mounts that are added to a container that is there already, or removed (crun's `mounts`). */
import { joinedIdMaps } from '../host/joined-maps.js';
import { systemReader } from '../host/reader.js';
import { compileAddedMounts, compileRemovedMounts, type LiveMountsInput } from '../plan/compile-live-mounts.js';
import type { Plan } from '../plan/plan.js';
import type { EventFailed } from '../plan/wire.generated.js';
import { systemErrorName } from '../spec/errno.js';
import type { Mount } from '../spec/types.js';
import { readChangedSpec, readStoredSpec } from './read-spec.js';
import { failureOf } from './failure.js';
import { readyMounts } from './given-mounts.js';
import { asLauncherCounts } from './launcher-ids.js';
import { OneShotLauncher } from './one-shot.js';
import { host } from './platform/host.js';
import type { ProcessName } from './processes.js';
import { RuntimeError } from './runtime-error.js';
import type { ContainerRecord } from './state.js';
import { hostFacts } from './surroundings.js';
import { tellPlan } from './tell-plan.js';

/** A container whose first process lives. */
export interface Reached {
  readonly record: ContainerRecord;
  readonly init: ProcessName;
}

/** All of them, or none. */
export function addMounts(reached: Reached, given: unknown): void {
  const input = inputOf(reached, given);
  const plan = compileAddedMounts({ ...input, hasPeers: hasPeers(reached.init.pid) });
  const failed = doPlan(reached, plan);
  if (failed === undefined) return;
  const left = letGo(reached, input, attachedBefore(plan, failed));
  throw new RuntimeError(`${whyNot(failed, plan)}${left}`);
}

export function removeMounts(reached: Reached, given: unknown): void {
  const plan = compileRemovedMounts(inputOf(reached, given));
  const failed = doPlan(reached, plan);
  if (failed !== undefined) throw new RuntimeError(whyNot(failed, plan));
}

function inputOf({ record, init }: Reached, given: unknown): LiveMountsInput {
  if (!Array.isArray(given)) throw new RuntimeError('the file holds no array of mounts: it is to have what config.json has under "mounts"');
  const own = readStoredSpec(record.spec);
  const { mounts = [] } = readChangedSpec(own, 'mounts', given);
  return { host: hostFacts(), target: init, spec: asLauncherCounts(own), joinedIdMaps: joinedIdMaps(own, {}), mounts: readyMounts(mounts, host.workingFolder()) };
}

function doPlan({ record, init }: Reached, plan: Plan): EventFailed | undefined {
  tellPlan(plan);
  const launcher = new OneShotLauncher(init.pid);
  try {
    const event = launcher.launch(record.id, plan, []);
    return event.op === 'failed' ? event : undefined;
  } finally {
    launcher.close();
  }
}

function attachedBefore({ steps }: Plan, { step: failed }: EventFailed): string[] {
  if (steps[failed] === undefined) return [];
  return steps.slice(0, failed).flatMap(({ step }) => (step.op === 'attachMount' ? [step.target] : []));
}

/** The last one first. Gives what is to be said of those that stay. */
function letGo(reached: Reached, input: LiveMountsInput, places: readonly string[]): string {
  if (places.length === 0) return '';
  const mounts: readonly Mount[] = places.toReversed().map((destination) => ({ destination }));
  const plan = compileRemovedMounts({ ...input, mounts });
  const failed = doPlan(reached, plan);
  return failed === undefined ? '' : `; of ${places.join(', ')}, which had been mounted before, some stay: ${whyNot(failed, plan)}`;
}

/**
 * Whether the kernel would show on the host as well what is mounted in the container: some mount of either is in one peer group
 * (mount_namespaces(7)). Nobody in the container comes to one later.
 */
function hasPeers(pid: number): boolean {
  const groups = (process: string) => {
    const table = systemReader.read(`/proc/${process}/mountinfo`);
    if (table === undefined) throw new RuntimeError(`the mounts of process ${process} cannot be read`);
    return table.split('\n').flatMap((line) => / shared:(\d+) (?:.* )?- /.exec(line)?.[1] ?? []);
  };
  const own = new Set(groups('self'));
  return groups(String(pid)).some((group) => own.has(group));
}

const reasons: Readonly<Record<string, string>> = {
  'attachMount EXDEV': 'a link leads from there into what is mounted elsewhere, where the container must not choose a place: name the place itself',
  'attachMount ELOOP': 'links on the way lead in a circle: name the place itself',
  'attachMount ENOTDIR': 'a file is in the way, or is to be mounted on a folder, or a folder on a file',
  'attachMount EINVAL': 'a file is to be mounted on a folder, or what is mounted there would appear on the host too, whose mount it has in common (shared)',
  'attachMount EROFS': 'there is no such place, and none can be made: the file system is read-only',
  'detachMount EINVAL': 'nothing is mounted there, or it cannot be let go of alone',
  'detachMount ENOENT': 'there is no such place',
  'detachMount ELOOP': 'there is a link on the way: name the place itself',
  'openTree ENOENT': 'there is no such file or directory on the host',
  'openProcess ESRCH': 'container not running',
};

function whyNot(failed: EventFailed, plan: Plan): string {
  const { message } = failureOf(failed, plan, '');
  const reason = reasons[`${plan.steps[failed.step]?.step.op ?? ''} ${systemErrorName(failed.error)}`];
  return reason === undefined ? message : `${message} (${reason})`;
}
