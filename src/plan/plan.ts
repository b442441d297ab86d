/** A plan: steps in order, each with the spec field that caused it, and a table of descriptors that they share. */
import { TsrunError } from '../spec/errors.js';
import { Writer } from './codec.js';
import { encodeStep, maxSlots, maxSteps, type Step } from './wire.generated.js';

/** A step, and why it is there. */
export interface PlannedStep {
  /** What to do, with everything decided. */
  readonly step: Step;
  /** JSON pointer into the spec, or `extensions.…`, or `default` with the reason. */
  readonly field: string;
  /** What bytes in the step say, in words. */
  readonly words?: Readonly<Record<string, string>>;
}

/** What the launcher is sent: flat, with everything decided. Experimental: steps may change in any version. */
export interface Plan {
  /** In the order in which they are done; those up to `clone` by the launcher, the others by the container's first process. */
  readonly steps: readonly PlannedStep[];
  /** What the descriptors that come with the plan are for, in order; they fill the first slots. */
  readonly passed: readonly string[];
  /** Size of the table of descriptors that the steps share. */
  readonly slotCount: number;
  /** What the descriptors are that come back once the program runs, in order. */
  readonly handedOver: readonly HandedOver[];
}

/** `terminal` is its master; `terminalOutput` is what it prints, where the launcher keeps that. */
export type HandedOver = 'stdin' | 'stdout' | 'stderr' | 'terminalOutput' | 'terminal';

/** Collects steps and hands out slots. */
export class PlanBuilder {
  readonly #steps: PlannedStep[] = [];
  readonly #passed: string[] = [];
  readonly #handedOver: HandedOver[] = [];
  #slots = 0;

  add(field: string, step: Step, words?: PlannedStep['words']): void {
    this.#steps.push({ step, field, ...(words !== undefined && { words }) });
  }

  /** A slot for a descriptor that comes with the plan. All of these must be taken before the first `slot()`. */
  pass(name: string): number {
    if (this.#slots !== this.#passed.length) throw new Error('descriptors that are passed come first');
    this.#passed.push(name);
    return this.#slots++;
  }

  slot(): number {
    return this.#slots++;
  }

  /** Has the launcher give a descriptor back. */
  handOver(field: string, name: HandedOver, descriptor: number): void {
    this.add(field, { op: 'handOver', descriptor });
    this.expect(name);
  }

  /** Notes a descriptor that comes back without a step. */
  expect(name: HandedOver): void {
    this.#handedOver.push(name);
  }

  /** @throws TsrunError `ERR_TSRUN_UNSUPPORTED` for more than a launcher takes */
  finish(): Plan {
    if (this.#slots > maxSlots) throw tooLarge(`more than ${maxSlots} descriptors`, this.#steps);
    if (this.#steps.length > maxSteps) throw tooLarge(`more than ${maxSteps} steps`, this.#steps);
    return { steps: this.#steps, passed: this.#passed, slotCount: this.#slots, handedOver: this.#handedOver };
  }
}

/** The list of the spec that most of the steps come from is the one to shorten. */
function tooLarge(what: string, steps: readonly PlannedStep[]): TsrunError {
  const counts = new Map<string, number>();
  for (const { field } of steps) counts.set(listOf(field), (counts.get(listOf(field)) ?? 0) + 1);
  const field = [...counts.keys()].reduce((most, each) => ((counts.get(each) ?? 0) > (counts.get(most) ?? 0) ? each : most), '');
  return new TsrunError('ERR_TSRUN_UNSUPPORTED', `the container would need ${what}, which one launcher's plan does not hold`, {
    field,
    hint: `most of them come from ${field}: give fewer there; one volume of a folder takes the place of many of its files`,
  });
}

/** `/mounts/3/source` is of `/mounts`, `/linux/devices/0` of `/linux/devices`. */
function listOf(field: string): string {
  return /^(?:\/(?:linux|process)\/[^/]+|\/[^/]+|extensions\.[a-zA-Z]+)/.exec(field)?.[0] ?? field;
}

/** The bytes that the launcher reads (native/plan/plan.h). */
export function encodePlan(plan: Plan): Uint8Array {
  const writer = new Writer(32_768);
  writer.u32(plan.slotCount);
  writer.u32(plan.steps.length);
  for (const { step } of plan.steps) encodeStep(writer, step);
  return writer.finish();
}
