/** The dry run: what `run` would do, without a launcher, a state root or any right. Reads the image and the host only. */
import { lookAtBase } from '../cgroup/layout.js';
import { loadNative } from '../engine/addon.js';
import { SeccompCache } from '../engine/seccomp.js';
import { containerPool, RANGE_SIZE } from '../host/id-ranges.js';
import { probeHost } from '../host/probe.js';
import { explainPlan, type ExplainedStep } from '../plan/explain.js';
import type { Plan } from '../plan/plan.js';
import { TsrunError } from '../spec/errors.js';
import { checkContainerId } from '../spec/ids.js';
import { namedProgram } from './build/build-process.js';
import { imagesToLookAt } from './stored-images.js';
import { Launching } from './launching.js';
import type { RunOptions } from './options/options.js';
import type { RuntimeOptions } from './runtime-options.js';
import type { ContainerRecord } from './state/record.js';
import { defaultImageRoot } from './state/image-root.js';
import { StateRoot, stateRootToBe } from './state/state-root.js';
import { subordinateIds, type SubordinateIds } from './ids/subordinate.js';
import { validateImage } from './options/validate-calls.js';

/** A plan that is not carried out, in words and as data. */
export interface Explanation {
  /** The steps in words, in order. */
  readonly steps: readonly ExplainedStep[];
  /** What the steps are made from; the launcher would be sent this. */
  readonly plan: Plan;
  /** What would be remembered of the container: its spec and what stands beside it. */
  readonly record: ContainerRecord;
  /** Defaults that this host does not hold, and what a start lacks. */
  readonly warnings: readonly string[];
  /** What the plan executes because neither the options nor the image name a program; `run` refuses that. */
  readonly standIn?: string;
}

interface SubordinateToBe {
  readonly ids?: SubordinateIds;
  /** Why `run` would refuse. */
  readonly lack?: string;
}

/** Somebody without subordinate ids is told of the container that there would be with them. */
function subordinateToBe(uid: number): SubordinateToBe {
  if (uid === 0) return {};
  try {
    return { ids: subordinateIds() };
  } catch (error) {
    if (!TsrunError.is(error)) throw error;
    return { ids: { uids: RANGE_SIZE, gids: RANGE_SIZE }, lack: `run would refuse: ${error.message}: ${error.hint ?? ''}` };
  }
}

/** Stand-ins for what only a start decides; the same each time, so that two explanations can be compared. */
const nameToBe = 'run.0';
/** A folder has no command as an image of docker's has, and every other step is worth a look without one. */
const programToBe = '/bin/sh';
const launcherToBe = 'launcher';
const stamp = () => ({ createdAtMs: 0, suffix: '0' });

/**
 * Compiles what `run` with the same arguments would execute. Touches nothing, and needs no right but to read the image; one that is not
 * unpacked yet is an error.
 *
 * @example
 * import { explain } from 'tsrun';
 * const { steps } = await explain('./rootfs', { command: ['/bin/true'], root: 'read-only' });
 * for (const { index, where, step, field } of steps) console.log(index, where, step, field);
 *
 * @throws TsrunError as `Runtime.run` does for bad input, and `ERR_TSRUN_NATIVE_LOAD`
 */
export async function explain(image: string, options: RunOptions = {}, { imageRoot: asked }: Pick<RuntimeOptions, 'imageRoot'> = {}): Promise<Explanation> {
  validateImage(image, options);
  const native = loadNative();
  const { addon } = native;
  const probed = probeHost({ native: addon });
  const host = { ...probed, cgroup: lookAtBase(probed.cgroup) };
  const seccomp = new SeccompCache((profile) => addon.compileSeccomp(profile), host.arch);
  const subordinate = subordinateToBe(host.uid);
  const root = new StateRoot(stateRootToBe(host.uid));
  const imageRoot = asked ?? defaultImageRoot(host.uid, process.env);
  const images = imagesToLookAt({ imageRoot, root, native, host });
  const launching = new Launching({ addon, host, root, seccomp, loadLibrary: async () => images.library(), stamp, imageRoot, subordinate: subordinate.ids });
  const id = options.id ?? nameToBe;
  checkContainerId(id);
  const idRange = options.namespaces?.user === 'host' || host.uid !== 0 ? undefined : { start: containerPool.start, size: RANGE_SIZE };
  const prepared = await launching.prepare({ id, image, options, idRange }, programToBe);
  const { plan, record } = launching.compile(prepared, id, launcherToBe, false);
  const steps = explainPlan(plan);
  const common = { plan, record, warnings: subordinate.lack === undefined ? prepared.warnings : [subordinate.lack, ...prepared.warnings] };
  if (namedProgram(prepared.input.options, prepared.input.image).length > 0) return { steps, ...common };
  return { steps: steps.map((each) => (each.step === 'execute' ? { ...each, field: 'stand-in' } : each)), ...common, standIn: programToBe };
}
