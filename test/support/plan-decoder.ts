/** Reads a plan's bytes back by protocol.json alone, as a reader in any other language would: no generated code is asked. */
import { readFileSync } from 'node:fs';
import { Reader } from '../../src/plan/codec.js';

const noSlot = 0xffff_ffff;

/** With the types that only steps have. */
class StepReader extends Reader {
  slot(): number | null {
    const value = this.u32();
    return value === noSlot ? null : value;
  }

  u32s(): number[] {
    return Array.from({ length: this.u32() }, () => this.u32());
  }

  slots(): number[] {
    return this.u32s();
  }
}

export type FieldType = 'u32' | 'i32' | 'bool' | 'slot' | 'u64' | 'text' | 'bytes' | 'texts' | 'slots' | 'u32s';

export interface Layout {
  readonly op: string;
  readonly number: number;
  readonly fields: readonly (readonly [name: string, type: FieldType])[];
}

type Group = Readonly<Record<string, { readonly fields: Readonly<Record<string, FieldType>> }>>;

interface Protocol {
  readonly launcherSteps: Group;
  readonly childSteps: Group;
}

function isProtocol(value: unknown): value is Protocol {
  return typeof value === 'object' && value !== null && 'launcherSteps' in value && 'childSteps' in value;
}

/** Numbers run from 1 for the launcher's steps and from 101 for the child's. */
export function stepLayouts(): Layout[] {
  const protocol: unknown = JSON.parse(readFileSync(new URL('../../../protocol/protocol.json', import.meta.url), 'utf8'));
  if (!isProtocol(protocol)) throw new Error('protocol.json has no steps');
  const layouts = (group: Group, first: number) =>
    Object.entries(group).map(([op, { fields }], index) => ({ op, number: first + index, fields: Object.entries(fields) }));
  return [...layouts(protocol.launcherSteps, 1), ...layouts(protocol.childSteps, 101)];
}

export interface DecodedPlan {
  readonly slotCount: number;
  readonly steps: readonly Readonly<Record<string, unknown>>[];
}

const byNumber = new Map(stepLayouts().map((layout) => [layout.number, layout]));

/** @throws when the bytes are anything but whole records with nothing behind them */
export function decodePlan(bytes: Uint8Array): DecodedPlan {
  const buffer = Buffer.from(bytes);
  const [slotCount, count] = [buffer.readUInt32LE(0), buffer.readUInt32LE(4)];
  const steps: Record<string, unknown>[] = [];
  let at = 8;
  for (let index = 0; index < count; index++) {
    const [number, size] = [buffer.readUInt32LE(at), buffer.readUInt32LE(at + 4)];
    const layout = byNumber.get(number);
    if (layout === undefined) throw new Error(`step ${index} has the unknown number ${number}`);
    if (size % 4 !== 0 || at + size > buffer.length) throw new Error(`step ${index} has the size ${size}`);
    steps.push(decodeStep(layout, buffer.subarray(at, at + size)));
    at += size;
  }
  if (at !== buffer.length) throw new Error(`${buffer.length - at} bytes are left over`);
  return { slotCount, steps };
}

/** From a buffer of its own, so that a field cannot reach into the next record. */
function decodeStep({ op, fields }: Layout, record: Buffer): Record<string, unknown> {
  const reader = new StepReader(Buffer.from(record), 8);
  return { op, ...Object.fromEntries(fields.map(([name, type]) => [name, reader[type]()])) };
}

/** A step as it comes back: 64-bit values are bigints, whatever they were before. */
export function asDecoded(step: object): Record<string, unknown> {
  const members: [string, unknown][] = Object.entries(step);
  const layout = [...byNumber.values()].find(({ op }) => members.some(([name, value]) => name === 'op' && value === op));
  const types = new Map(layout?.fields);
  return Object.fromEntries(members.map(([name, value]) => {
    if (types.get(name) === 'u64' && typeof value === 'number') return [name, BigInt(value)];
    return [name, value instanceof Uint8Array ? Uint8Array.from(value) : value];
  }));
}
