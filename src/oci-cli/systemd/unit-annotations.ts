/** Annotations `org.systemd.property.NAME` as properties of a container's unit, in the words of runc: values in GVariant's text form. */
import { RuntimeError } from '../runtime-error.js';
import type { BusValue, Variant } from './dbus-values.js';
import type { UnitProperty } from './unit-manager.js';

const prefix = 'org.systemd.property.';
const usPerSecond = 1_000_000;

/** Least and greatest of a type by its keyword, and its letter. */
const numbers: Readonly<Record<string, { readonly signature: string; readonly least: bigint; readonly greatest: bigint }>> = {
  byte: range('y', 8n, false),
  int16: range('n', 16n, true),
  uint16: range('q', 16n, false),
  int32: range('i', 32n, true),
  uint32: range('u', 32n, false),
  int64: range('x', 64n, true),
  uint64: range('t', 64n, false),
};

export function propertiesOfAnnotations(annotations: Readonly<Record<string, string>>): UnitProperty[] {
  return Object.entries(annotations).filter(([key]) => key.startsWith(prefix)).map(([key, text]) => propertyOf(key, text));
}

function propertyOf(key: string, text: string): UnitProperty {
  const name = key.slice(prefix.length);
  if (!/^[A-Za-z]{3,}$/.test(name)) throw new RuntimeError(`annotation ${key} name incorrect: it is three letters or more, and nothing else`);
  const value = readVariant(text.trim());
  // What a unit's file calls TimeoutStopSec is TimeoutStopUSec on the bus.
  const seconds = /^(.*[a-z])Sec$/.exec(name)?.[1];
  const found = seconds === undefined ? value : value === undefined ? undefined : inMicroseconds(value);
  if (found === undefined) throw new RuntimeError(`annotation ${key}=${text} value parse error: it is true, false, a number, 'text' or a list of these, or a number with its type before it: uint64 5`);
  return { name: seconds === undefined ? name : `${seconds}USec`, value: found };
}

function readVariant(text: string): Variant | undefined {
  if (text.startsWith('[') && text.endsWith(']')) return readList(text.slice(1, -1));
  if (text === 'true' || text === 'false') return { signature: 'b', value: text === 'true' };
  const quoted = /^(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")$/s.exec(text);
  if (quoted !== null) return { signature: 's', value: (quoted[1] ?? quoted[2] ?? '').replace(/\\(.)/gs, '$1') };
  const [, word = '', digits = ''] = /^(?:([a-z]+\d*)\s+)?(-?(?:\d+|0x[\da-f]+))$/i.exec(text) ?? [];
  if (digits !== '') return readNumber(word === '' ? 'int32' : word, digits);
  const [, fraction] = /^(?:double\s+)?(-?\d+\.\d+(?:e[+-]?\d+)?)$/i.exec(text) ?? [];
  return fraction === undefined ? undefined : { signature: 'd', value: Number(fraction) };
}

function readNumber(word: string, digits: string): Variant | undefined {
  if (word === 'double') return { signature: 'd', value: Number(digits) };
  const kind = Object.hasOwn(numbers, word) ? numbers[word] : undefined;
  const number = digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits);
  return kind === undefined || number < kind.least || number > kind.greatest ? undefined : { signature: kind.signature, value: number };
}

const listItem = /\s*('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s,'"[][^,'"]*)(?:,|$)/gsy;

/** All of one type. */
function readList(text: string): Variant | undefined {
  const parts = [...text.trim().matchAll(listItem)];
  if (parts.reduce((size, [whole]) => size + whole.length, 0) !== text.trim().length) return undefined;
  const values = parts.map(([, part = '']) => readVariant(part.trim()));
  const [first] = values;
  if (first === undefined || values.some((value) => value?.signature !== first.signature)) return undefined;
  return { signature: `a${first.signature}`, value: values.flatMap((value): BusValue[] => (value === undefined ? [] : [value.value])) };
}

function inMicroseconds({ value }: Variant): Variant | undefined {
  const isNumber = typeof value === 'number' || typeof value === 'bigint';
  if (!isNumber || value < 0) return undefined;
  return { signature: 't', value: typeof value === 'bigint' ? value * BigInt(usPerSecond) : BigInt(Math.round(value * usPerSecond)) };
}

function range(signature: string, bits: bigint, signed: boolean): { readonly signature: string; readonly least: bigint; readonly greatest: bigint } {
  const size = signed ? bits - 1n : bits;
  return { signature, least: signed ? -(2n ** size) : 0n, greatest: 2n ** size - 1n };
}
