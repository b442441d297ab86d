/**
 * Names for the descriptors that steps pass to each other. Numbers would say nothing, and one step more would change all
 * that follow: a name tells what the descriptor is, so that two plans can be compared.
 */
import type { Plan } from './plan.js';
import type { Step } from './wire.generated.js';

/** By slot number. */
export function nameSlots({ passed, steps }: Plan): ReadonlyMap<number, string> {
  const places = attachedAt(steps.map(({ step }) => step));
  const names = new Map<number, string>();
  const used = new Map<string, number>();
  const name = (slot: number | null, text: string) => {
    if (slot === null) return;
    const count = (used.get(text) ?? 0) + 1;
    used.set(text, count);
    names.set(slot, count === 1 ? text : `${text}.${count}`);
  };
  for (const [slot, text] of passed.entries()) name(slot, text);
  for (const { step, field } of steps) for (const [slot, text] of madeBy(step, field, places)) name(slot, text);
  return names;
}

type Made = readonly (readonly [slot: number | null, name: string])[];

function madeBy(step: Step, field: string, places: ReadonlyMap<number, string>): Made {
  switch (step.op) {
    case 'makeCgroup':
    case 'openCgroup':
      return [[step.into, 'cgroup']];
    case 'openTree':
      return [[step.into, field === '/root/path' ? 'image' : `tree(${step.path})`]];
    case 'makeIdMap':
      return [[step.into, 'idmap']];
    case 'makeTmpfs':
      return [[step.into, `tmpfs(${places.get(step.into ?? -1) ?? 'overlay'})`]];
    case 'makeHostMount':
      return [[step.into, `${step.type}(${places.get(step.into ?? -1) ?? step.source})`]];
    case 'makeUpper':
      return [[step.into, 'upper']];
    case 'makeOverlay':
      return [[step.into, 'overlay']];
    case 'openNamespace':
      return [[step.into, `namespace(${step.path})`]];
    case 'findInTree':
      return [[step.into, `place(${step.path})`]];
    case 'openFifo':
      return [[step.into, step.path]];
    case 'openContainer':
      return [[step.process, 'process'], [step.cgroup, 'cgroup']];
    case 'makeEntry':
      return [[step.births, 'entry.births'], [step.report, 'entry.report']];
    case 'enterLast':
      return [[step.proc, 'entry.proc']];
    case 'makePipe':
      return [[step.reader, `${field}.reader`], [step.writer, `${field}.writer`]];
    default:
      return [];
  }
}

function attachedAt(steps: readonly Step[]): ReadonlyMap<number, string> {
  const places = new Map<number, string>();
  for (const step of steps) if (step.op === 'attachMount' && step.mount !== null) places.set(step.mount, step.target);
  return places;
}
