/**
 * A small validator. A `Shape<T>` says what a value must look like to be a `T`. Those of the runtime-spec are made from
 * its JSON schemas (`schema.generated.ts`). Because `object<T>` demands one shape for each field of `T`, the compiler keeps shapes and types together.
 */

import { nearest, type ErrorCode } from './errors.js';
import { Faults, type Unknowns } from './faults.js';
import { isUnsafe, pointer } from './quote.js';

export interface Shape<out T> {
  /** What is allowed, as a message says it: `an integer from 0 to 7`. */
  readonly expects: string;
  readonly check: (value: unknown, at: string, faults: Faults) => void;
  /** Never set: it carries `T`. */
  readonly guarantees?: T;
}

export interface ObjectShape<out T> extends Shape<T> {
  readonly fields: readonly string[];
}

export interface OptionalShape<out T> extends Shape<T> {
  readonly optional: true;
}

/** The type that a shape guarantees. */
export type TypeOf<S> = S extends Shape<infer T> ? T : never;

/** One shape for each field of `T`: `optional(…)` for the optional ones. */
export type Fields<T> = {
  readonly [K in keyof T]-?: undefined extends T[K] ? OptionalShape<Exclude<T[K], undefined>> : Shape<T[K]> & { readonly optional?: never };
};

/** @throws the first fault, with `subject` in front, unless `value` is a `T` */
export function assertShape<T>(shape: Shape<T>, value: unknown, code: ErrorCode, subject: string, unknowns?: Unknowns): asserts value is T {
  const faults = new Faults(unknowns);
  shape.check(value, '', faults);
  faults.throwIfAny(code, subject);
}

export function optional<T>(shape: Shape<T>): OptionalShape<T> {
  return { expects: shape.expects, check: shape.check, optional: true };
}

export const boolean: Shape<boolean> = leaf('true or false', (value) => typeof value === 'boolean');

export const uint64: Shape<number | bigint> = leaf('an integer from 0 to 18446744073709551615', (value) =>
  typeof value === 'bigint' ? value >= 0n && value < 2n ** 64n : Number.isSafeInteger(value) && Number(value) >= 0);

export function integer(least: number, most: number): Shape<number> {
  const expects = least === most ? String(least) : `an integer from ${least} to ${most}`;
  return leaf(expects, (value) => typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most);
}

/** A number that need not be whole. */
export function number(least: number, most: number): Shape<number> {
  return leaf(`a number from ${least} to ${most}`, (value) => typeof value === 'number' && value >= least && value <= most);
}

/** Text that passes `rule`: a regular expression, or anything else with a `test`. */
export function text(expects = 'text', rule?: { test(text: string): boolean }): Shape<string> {
  return {
    expects,
    check(value, at, faults) {
      if (typeof value !== 'string') faults.expected(at, expects, value);
      else if (isUnsafe(value)) faults.expected(at, 'text without NUL and half surrogate pairs', value);
      else if (rule?.test(value) === false) faults.expected(at, expects, value);
    },
  };
}

/** One of some names. `noun` says what they name: `a namespace type`. */
export function oneOf<const T extends string>(noun: string, names: readonly T[]): Shape<T> {
  const allowed = new Set<unknown>(names);
  const listed = names.slice(0, 12).map((name) => (name === '' ? '""' : name));
  const expects = `${noun} (${listed.join(', ')}${names.length > listed.length ? ', …' : ''})`;
  return {
    expects,
    check(value, at, faults) {
      if (!allowed.has(value)) faults.expected(at, expects, value, typeof value === 'string' ? suggestion(value, names) : undefined);
    },
  };
}

/** An instance of a class that is passed through, not looked into. */
export function instanceOf<T>(type: abstract new (...args: never[]) => T): Shape<T> {
  return leaf(`an instance of ${type.name}`, (value) => value instanceof type);
}

/** What it takes and gives cannot be seen before it is called. */
export function callback<T extends (...args: never[]) => unknown>(): Shape<T> {
  return leaf('a function', (value) => typeof value === 'function');
}

export function array<T>(item: Shape<T>, least = 0, most = Infinity): Shape<T[]> {
  const expects = least === 0 ? 'an array' : `an array of at least ${least}`;
  return {
    expects,
    check(value, at, faults) {
      if (!Array.isArray(value)) faults.expected(at, expects, value);
      else if (value.length < least) faults.add(at, `expected ${expects}, found ${value.length}`);
      else if (value.length > most) faults.add(at, `expected at most ${most} entries, found ${value.length}`);
      // By index, not by iterator: a hole in the array is then seen as a missing entry.
      else for (let index = 0; index < value.length; index++) item.check(value[index], `${at}/${index}`, faults);
    },
  };
}

/** An object whose keys are data. */
export function record<T>(value: Shape<T>, key: Shape<string> = text('a key')): Shape<Record<string, T>> {
  const expects = 'an object';
  return {
    expects,
    check(object, at, faults) {
      if (!isObject(object)) {
        faults.expected(at, expects, object);
        return;
      }
      for (const [name, member] of Object.entries(object)) {
        if (member === undefined) continue;
        key.check(name, pointer(at, name), faults);
        value.check(member, pointer(at, name), faults);
      }
    },
  };
}

/**
 * An object in which an unknown key is ignored, as the runtime-spec demands (config.md, "Extensibility"), unless it is
 * a known key in another case or with one slip of the finger: ignoring that would drop what the author asked for.
 */
export function object<T>(fields: Fields<T>): ObjectShape<T> {
  return objectShape(fields, (key, at, known, faults) => {
    if (faults.refusesUnknown) refuseUnknown(key, at, known, faults);
    else if (known.some((name) => isSlip(key, name))) faults.slip(pointer(at, key), 'unknown field', suggestion(key, known));
  });
}

/** An object in which every unknown key is refused. */
export function strictObject<T>(fields: Fields<T>): ObjectShape<T> {
  return objectShape(fields, refuseUnknown);
}

function refuseUnknown(key: string, at: string, known: readonly string[], faults: Faults): void {
  faults.add(pointer(at, key), 'unknown field', suggestion(key, known));
}

interface Table {
  readonly shapes: ReadonlyMap<string, Shape<unknown>>;
  readonly required: readonly (readonly [string, Shape<unknown>])[];
}

function tableOf<T>(fields: Fields<T>): Table {
  const shapes = new Map(Object.entries<Shape<unknown>>(fields));
  return { shapes, required: [...shapes].filter(([, shape]) => !('optional' in shape)) };
}

function objectShape<T>(fields: Fields<T>, judgeUnknown: typeof refuseUnknown): ObjectShape<T> {
  const known = Object.keys(fields);
  const expects = known.length <= 3 ? `{ ${known.join(', ')} }` : 'an object';
  // Made when the first such object is met: a command meets few of all that there are.
  let table: Table | undefined;
  return {
    expects,
    fields: known,
    check(value, at, faults) {
      if (!isObject(value)) {
        faults.expected(at, expects, value);
        return;
      }
      const { shapes, required } = (table ??= tableOf(fields));
      const keys = Object.keys(value).filter((key) => value[key] !== undefined);
      for (const key of keys) {
        if (!shapes.has(key)) judgeUnknown(key, at, known, faults);
      }
      for (const [key, shape] of required) {
        if (!keys.includes(key)) faults.expected(`${at}/${key}`, shape.expects, undefined);
      }
      for (const key of keys) shapes.get(key)?.check(value[key], `${at}/${key}`, faults);
    },
  };
}

/** A value of one of several shapes. When one fits the value itself, its faults are told; else what all of them allow. */
export function anyOf<const S extends readonly Shape<unknown>[]>(...shapes: S): Shape<TypeOf<S[number]>> {
  const expects = shapes.map((shape) => shape.expects).join(' or ');
  return {
    expects,
    check(value, at, faults) {
      const attempts = shapes.map((shape) => {
        const attempt = new Faults();
        shape.check(value, at, attempt);
        return attempt.list;
      });
      if (attempts.some((list) => list.length === 0)) return;
      const [inner] = attempts.filter((list) => list.every(({ field }) => field !== at)).sort((a, b) => a.length - b.length);
      if (inner === undefined) faults.expected(at, expects, value, attempts.flat().find(({ hint }) => hint !== undefined)?.hint);
      else for (const { field, message, hint } of inner) faults.add(field, message, hint);
    },
  };
}

/** One of several objects, told apart by the name in their field `tag`. */
export function tagged<const S extends Readonly<Record<string, Shape<unknown>>>>(tag: string, shapes: S): Shape<TypeOf<S[keyof S]>> {
  const table = new Map(Object.entries<Shape<unknown>>(shapes));
  const names = oneOf('a kind', [...table.keys()]);
  const expects = 'an object';
  return {
    expects,
    check(value, at, faults) {
      if (!isObject(value)) {
        faults.expected(at, expects, value);
        return;
      }
      const name = Object.hasOwn(value, tag) ? value[tag] : undefined;
      const shape = typeof name === 'string' ? table.get(name) : undefined;
      if (shape === undefined) names.check(name, `${at}/${tag}`, faults);
      else shape.check(value, at, faults);
    },
  };
}

function leaf<T>(expects: string, accepts: (value: unknown) => boolean): Shape<T> {
  return {
    expects,
    check(value, at, faults) {
      if (!accepts(value)) faults.expected(at, expects, value);
    },
  };
}

/** A Map, a Date or a Buffer has no keys of its own that matter: taken for an object it would pass as an empty one. */
function isObject(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]';
}

function suggestion(word: string, candidates: readonly string[]): string | undefined {
  const name = nearest(word, candidates);
  return name === undefined ? undefined : `did you mean "${name}"?`;
}

/** Does one letter too many, too few, wrong, or swapped with its neighbour turn one word into the other? */
function isSlip(word: string, name: string): boolean {
  const [a, b] = [word.toLowerCase(), name.toLowerCase()];
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && a[start] === b[start]) start++;
  let end = 0;
  while (end < shorter - start && a.at(-1 - end) === b.at(-1 - end)) end++;
  const [restOfA, restOfB] = [a.slice(start, a.length - end), b.slice(start, b.length - end)];
  if (restOfA.length <= 1 && restOfB.length <= 1) return true;
  return restOfA.length === 2 && restOfB === `${restOfA.charAt(1)}${restOfA.charAt(0)}`;
}
