/** A plan in words: what each step does, with what, where, and which field of the spec caused it. */
import type { Plan } from './plan.js';
import { nameSlots } from './slot-names.js';
import * as words from './words.js';
import { launcherOps, stepDocs, type Step } from './wire.generated.js';

/** One step of a plan, in words. */
export interface ExplainedStep {
  /** From 1, as error messages count. */
  readonly index: number;
  /** Who does it: the launcher, or the container's first process. */
  readonly where: 'launcher' | 'container';
  /** Its name; see `Step`. */
  readonly step: Step['op'];
  /** In words; what is empty, off or not used is left out. */
  readonly arguments: Readonly<Record<string, string>>;
  /** JSON pointer into the spec, `extensions.…`, the name of a stream, `default`, or `stand-in` (see `Explanation.standIn`). */
  readonly field: string;
  /** What such a step does, in one sentence. */
  readonly doc: string;
}

export function explainPlan(plan: Plan): ExplainedStep[] {
  const slots = nameSlots(plan);
  return plan.steps.map(({ step, field, words: said }, index) => ({
    index: index + 1,
    where: launcherOps.has(step.op) ? 'launcher' : 'container',
    step: step.op,
    arguments: { ...argumentsOf(step, slots), ...said },
    field,
    doc: stepDocs[step.op],
  }));
}

type Slots = ReadonlyMap<number, string>;
type Words = Record<string, string>;

function argumentsOf(step: Step, slots: Slots): Words {
  switch (step.op) {
    case 'recordState': {
      const { content, ...others } = step;
      return { ...plain(others, slots), record: words.sizeWords(content) };
    }
    case 'clone': {
      const { procFiles, procValues, flags, joins, joinKinds, ...others } = step;
      const joined = joins.map((slot, index) => `${words.namespaceWords(joinKinds[index] ?? 0)} of ${slotName(slot, slots)}`).join(', ');
      const written = procFiles.map((file, index) => [file, lines(procValues[index] ?? '')] as const);
      return { new: words.namespaceWords(flags), ...(joined !== '' && { joins: joined }), ...plain(others, slots), ...Object.fromEntries(written) };
    }
    case 'setStdio': {
      const stream = (slot: number | null) => (slot === null ? '/dev/null' : slotName(slot, slots));
      return { stdin: stream(step.stdin), stdout: stream(step.stdout), stderr: stream(step.stderr) };
    }
    case 'keepLog':
      return { source: 'terminal', ...plain(step, slots), stream: ['terminal', 'stdout', 'stderr'][step.stream] ?? String(step.stream) };
    case 'setCapabilities':
    case 'dropBounding':
      return capabilities(step);
    case 'setIds': {
      const { uid, gid, setGroups, groups } = step;
      return { uid: String(uid), gid: String(gid), ...(setGroups && { groups: groups.join(' ') || 'none' }) };
    }
    case 'openTerminal':
      return { ...plain(step, slots), ...(step.rows === 0 && { rows: 'any', columns: 'any' }) };
    default:
      return plain(step, slots);
  }
}

function capabilities(step: Extract<Step, { op: 'setCapabilities' | 'dropBounding' }>): Words {
  if (step.op === 'dropBounding') return { keep: words.capabilityWords(step.keep) };
  const { effective, permitted, inheritable, ambient } = step;
  const sets = { effective, permitted, inheritable, ambient };
  return Object.fromEntries(Object.entries(sets).map(([name, mask]) => [name, words.capabilityWords(mask)]));
}

/** Field by field; what a field's name does not tell is decided by the step above. */
function plain(step: object, slots: Slots): Words {
  const fields: [string, unknown][] = Object.entries(step);
  const known = fields.flatMap(([name, value]): [string, string][] => {
    if (name === 'op') return [];
    const text = word(name, value, slots);
    return text === '' ? [] : [[name === 'into' ? 'as' : name, text]];
  });
  return Object.fromEntries(known);
}

const slotFields: ReadonlySet<string> = new Set([
  ...['into', 'mount', 'idMap', 'scratch', 'reader', 'writer', 'descriptor', 'forward', 'source'],
  ...['cgroup', 'process', 'layers', 'program', 'keep', 'inherit', 'fifo', 'report', 'peer', 'place', 'births', 'proc', 'mounts', 'root'],
]);

function word(name: string, value: unknown, slots: Slots): string {
  if (value === null || value === false) return '';
  if (value === true) return 'yes';
  if (typeof value === 'string') return lines(value);
  if (value instanceof Uint8Array) return name === 'content' ? words.contentWords(value) : words.sizeWords(value);
  if (Array.isArray(value)) return listWord(name, value, slots);
  if (typeof value !== 'number' && typeof value !== 'bigint') return '';
  if (slotFields.has(name)) return slotName(Number(value), slots);
  return numberWord(name, value);
}

function listWord(name: string, values: readonly unknown[], slots: Slots): string {
  if (slotFields.has(name)) return values.map((value) => slotName(Number(value), slots)).join(' ');
  return words.listWords(values.map(String));
}

function numberWord(name: string, value: number | bigint): string {
  switch (name) {
    case 'kind':
    case 'kinds':
      return words.namespaceWords(value);
    case 'flags':
      return BigInt(value) === 0n ? '' : `0x${value.toString(16)}`;
    case 'set':
    case 'clear':
    case 'attributes':
      return words.attributeWords(value);
    case 'propagation':
      return BigInt(value) === 0n ? '' : words.propagationWord(value);
    case 'resource':
      return words.rlimitWord(Number(value));
    case 'soft':
    case 'hard':
      return words.limitWord(value);
    case 'mode':
    case 'mask':
      return words.modeWords(Number(value));
    case 'scopes':
      return words.scopeWords(value);
    default:
      return String(value);
  }
}

function slotName(slot: number, slots: Slots): string {
  return slots.get(slot) ?? `descriptor ${slot}`;
}

/** Id maps and clock offsets have a line each. */
function lines(text: string): string {
  return text.trim().replaceAll('\n', '; ');
}
