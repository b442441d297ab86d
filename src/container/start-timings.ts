/**
 * How long each part of a start took: in this process, in the launcher, in the container's first process. All are measured by the
 * same clock, CLOCK_MONOTONIC. The launcher writes into memory that both processes have, so that nothing waits for anything.
 */
import { closeSync, readSync } from 'node:fs';
import { cloneFlags } from '../plan/namespaces.js';
import type { Plan } from '../plan/plan.js';
import { launcherOps, type Step } from '../plan/wire.generated.js';
import type { Spec } from '../spec/types.js';

/** One part of a start: something that this process did, or a step of the plan. */
export interface TimedPart {
  /** `node`: the calling process; `container`: its first process, before it executes the program. */
  readonly where: 'node' | 'launcher' | 'container';
  /** Of a step its name (see `Step`); else `prepare`, `compile`, `hear`. The first step has the way to the launcher in it. */
  readonly name: string;
  /** What a step is there for: JSON pointer into the spec, `extensions.…`, `default`. */
  readonly field?: string;
  /** From the call on, in microseconds. */
  readonly startUs: number;
  /** In microseconds. */
  readonly durationUs: number;
}

/** How long a start took, part by part, in the order in which they were done. */
export interface StartTimings {
  /** From the call to the moment that this process heard that the program runs, in microseconds. */
  readonly totalUs: number;
  /** None is left out; where one ends the next begins. */
  readonly parts: readonly TimedPart[];
}

interface Mark {
  readonly name: string;
  readonly endNs: bigint;
}

export class StartWatch {
  readonly #startNs = process.hrtime.bigint();
  readonly #marks: Mark[] = [];
  #memoryFd: number | undefined;
  #plan: Plan | undefined;
  #spec: Spec | undefined;

  /** What was done since the mark before is called this. */
  mark(name: string): void {
    this.#marks.push({ name, endNs: process.hrtime.bigint() });
  }

  /** The memory that goes along with a plan; the watch closes it. */
  watch(plan: Plan, spec: Spec, shareMemory: (bytes: number) => number): number {
    this.#plan = plan;
    this.#spec = spec;
    this.#memoryFd = shareMemory(plan.steps.length * 8);
    return this.#memoryFd;
  }

  /** The program runs. */
  finish(): StartTimings {
    const heardNs = process.hrtime.bigint();
    const ends = this.#read();
    this.close();
    const parts: TimedPart[] = [];
    let fromNs = this.#startNs;
    const add = (part: Pick<TimedPart, 'where' | 'name' | 'field'>, endNs: bigint) => {
      parts.push({ ...part, startUs: microseconds(fromNs - this.#startNs), durationUs: microseconds(endNs - fromNs) });
      fromNs = endNs;
    };
    for (const { name, endNs } of this.#marks) add({ where: 'node', name }, endNs);
    for (const [index, { step, field }] of (this.#plan?.steps ?? []).entries()) add({ where: whereIs(step), name: step.op, field }, ends[index] ?? fromNs);
    add({ where: 'node', name: 'hear' }, heardNs);
    return { totalUs: microseconds(heardNs - this.#startNs), parts };
  }

  close(): void {
    if (this.#memoryFd !== undefined) closeSync(this.#memoryFd);
    this.#memoryFd = undefined;
  }

  /** When each step was done, by the clock of this process. */
  #read(): bigint[] {
    if (this.#memoryFd === undefined || this.#plan === undefined) return [];
    const { steps } = this.#plan;
    const bytes = Buffer.alloc(steps.length * 8);
    readSync(this.#memoryFd, bytes, 0, bytes.length, 0);
    const cloneIndex = steps.findIndex(({ step }) => step.op === 'clone');
    const read = steps.map((_, index) => bytes.readBigUInt64LE(index * 8));
    const skewNs = clockSkew(this.#spec, steps[cloneIndex]?.step, read[cloneIndex - 1] ?? 0n, read[cloneIndex] ?? 0n);
    // The last step is noted by the launcher, when it sees that the program was executed.
    return read.map((ns, index) => (index >= cloneIndex && index < steps.length - 1 ? ns - skewNs : ns));
  }
}

/**
 * What the clock of the container's time namespace is ahead of this one (time_namespaces(7)). Of one that is joined nobody says it: there the
 * clone is taken to have lasted no time.
 */
function clockSkew(spec: Spec | undefined, clone: Step | undefined, beforeNs: bigint, afterNs: bigint): bigint {
  const joined = clone?.op === 'clone' && clone.joinKinds.some((kind) => kind === cloneFlags.time);
  if (joined) return afterNs - beforeNs;
  const { secs = 0, nanosecs = 0 } = spec?.linux?.timeOffsets?.monotonic ?? {};
  return BigInt(secs) * 1_000_000_000n + BigInt(nanosecs);
}

function whereIs({ op }: Step): TimedPart['where'] {
  return launcherOps.has(op) ? 'launcher' : 'container';
}

function microseconds(ns: bigint): number {
  return Math.max(0, Number(ns)) / 1000;
}
