/**
 * Positive controls: the same plan, less the step that defends. An attack that does not succeed then proves nothing.
 * The verdict is an exit code, since an attack may have taken over the streams.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { loadNative } from '../../src/engine/addon.js';
import { Launcher } from '../../src/engine/launcher.js';
import type { ContainerEvent } from '../../src/engine/listener.js';
import { encodePlan, type Plan, type PlannedStep } from '../../src/plan/plan.js';
import type { RunOptions, Step } from '../../src/index.js';
import { patience, type Lab } from './lab.js';

/** Gives the steps that take the place of one: itself, others, or none. */
export type Change = (step: Step) => readonly Step[];

export function without(...ops: readonly Step['op'][]): Change {
  return (step) => (ops.includes(step.op) ? [] : [step]);
}

/** Exit code of the program; negative: the errno of a step that failed. */
export async function runChanged(lab: Lab, options: RunOptions, change: Change, image = lab.image): Promise<number> {
  const runtime = await lab.runtime();
  const quiet: RunOptions = { stdout: 'ignore', stderr: 'ignore', ...options, id: lab.newId() };
  const plan = changed(await runtime.plan(image, quiet), change);
  if (plan.passed.length > 0) throw new Error('a changed plan cannot be given descriptors');
  const native = loadNative();
  const launcher = Launcher.start(native, false);
  try {
    return await ended(launcher, encodePlan(plan), quiet.id ?? '');
  } finally {
    launcher.close();
    await delay(20 * patience);
  }
}

function changed(plan: Plan, change: Change): Plan {
  const steps: PlannedStep[] = plan.steps.flatMap(({ step, field }) => change(step).map((each) => ({ step: each, field })));
  return { ...plan, steps };
}

async function ended(launcher: Launcher, plan: Uint8Array, id: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error('the changed plan did not end in time'));
    }, 30_000 * patience);
    const finish = (code: number) => {
      clearTimeout(timer);
      resolve(code);
    };
    const onEvent = (event: ContainerEvent) => {
      if (event.op === 'failed') finish(-event.error);
      if (event.op === 'exited') finish((event.status & 0x7f) === 0 ? (event.status >> 8) & 0xff : 128 + (event.status & 0x7f));
    };
    const onLost = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    launcher.launch(id, plan, [], { onEvent, onLost });
  });
}
