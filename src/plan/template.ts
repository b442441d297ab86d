/**
 * A plan that was compiled before, for the next container of the same kind. Between two starts with the same options only
 * the steps differ that say what the container is called; all others are taken over as they are, in wire form.
 */
import { Writer } from './codec.js';
import type { PlanInput } from './input.js';
import type { Plan, PlannedStep } from './plan.js';
import { encodeStep, type Step } from './wire.generated.js';

/** The part of a plan's input in which names show. */
export type Names = Pick<PlanInput, 'spec' | 'extensions' | 'state' | 'cgroupPath'>;

interface Piece {
  /** Steps without a name in them, in wire form; a copy, since what a writer gives is part of something larger. */
  readonly bytes: Uint8Array;
  /** Index of the step with a name that follows; undefined after the last one. */
  readonly named: number | undefined;
}

export class PlanTemplate {
  readonly #plan: Plan;
  #pieces: readonly Piece[] | undefined;

  constructor(plan: Plan) {
    this.#plan = plan;
  }

  /** What `compilePlan` and `encodePlan` give for the same input with these names. */
  rename(names: Names): { readonly plan: Plan; readonly bytes: Uint8Array } {
    const steps: PlannedStep[] = [...this.#plan.steps];
    const writer = new Writer(32_768);
    // Most programs never start the same again.
    this.#pieces ??= [...piecesOf(this.#plan)];
    for (const { bytes, named } of this.#pieces) {
      writer.raw(bytes);
      const planned = named === undefined ? undefined : steps[named];
      if (named === undefined || planned === undefined) continue;
      const step = renameStep(planned.step, names);
      steps[named] = { ...planned, step };
      encodeStep(writer, step);
    }
    return { plan: { ...this.#plan, steps }, bytes: writer.finish() };
  }
}

function* piecesOf({ steps, slotCount }: Plan): Generator<Piece> {
  let writer = new Writer();
  writer.u32(slotCount);
  writer.u32(steps.length);
  for (const [index, { step }] of steps.entries()) {
    if (hasName(step)) {
      yield { bytes: Uint8Array.from(writer.finish()), named: index };
      writer = new Writer();
    } else encodeStep(writer, step);
  }
  yield { bytes: Uint8Array.from(writer.finish()), named: undefined };
}

function hasName({ op }: Step): boolean {
  return op === 'recordState' || op === 'makeCgroup' || op === 'setHostname' || op === 'writeFile' || op === 'coverFiles' || op === 'execute';
}

function renameStep(step: Step, { spec, extensions, state, cgroupPath }: Names): Step {
  switch (step.op) {
    case 'recordState':
      return state === undefined ? step : { ...step, directory: state.directory, temporary: state.temporary, content: Buffer.from(state.record) };
    case 'makeCgroup':
      return { ...step, path: cgroupPath ?? step.path };
    case 'setHostname':
      return { ...step, name: spec.hostname ?? step.name };
    case 'writeFile':
      return { ...step, content: Buffer.from(extensions.files?.[step.path] ?? '') };
    case 'coverFiles':
      return { ...step, contents: step.paths.map((path) => extensions.files?.[path] ?? '') };
    case 'execute':
      return { ...step, environment: spec.process?.env ?? [] };
    default:
      return step;
  }
}
