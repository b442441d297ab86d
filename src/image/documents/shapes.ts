/**
 * Shapes for documents that others wrote. image-spec: what is unknown must not be an error, and null is absent; so both are taken
 * out of the value that is checked, which is what came from the JSON reader and nobody else's.
 */
import { TsrunError } from '../../spec/errors.js';
import { parseJsonBytes, type JsonObject, type JsonValue } from '../../spec/json.js';
import { pointer, printable } from '../../spec/quote.js';
import { assertShape, text, type Fields, type Shape } from '../../spec/shape.js';
import { digestFault } from './digest.js';

export const filled = text('text that is not empty', /./s);

/** A digest that tsrun takes, with the reason where it is none. */
export const digest: Shape<string> = {
  expects: 'a digest',
  check(value, at, faults) {
    if (typeof value !== 'string') faults.expected(at, 'a digest', value);
    else {
      const fault = digestFault(value);
      if (fault !== undefined) faults.add(at, fault);
    }
  },
};

/** An object of which the fields of `T` are kept and everything else is dropped. */
export function known<T>(fields: Fields<T>): Shape<T> {
  const table = new Map(Object.entries<Shape<unknown>>(fields));
  return {
    expects: 'an object',
    check(value, at, faults) {
      if (!isObject(value)) {
        faults.expected(at, 'an object', value);
        return;
      }
      for (const key of Object.keys(value)) if (value[key] === null || !table.has(key)) Reflect.deleteProperty(value, key);
      for (const [key, shape] of table) {
        if (Object.hasOwn(value, key)) shape.check(value[key], pointer(at, key), faults);
        else if (!('optional' in shape)) faults.expected(pointer(at, key), shape.expects, undefined);
      }
    },
  };
}

/** An object whose keys are data; a null in it is taken for an empty text, as Go's reader does. */
export const texts: Shape<Record<string, string>> = {
  expects: 'an object of texts',
  check(value, at, faults) {
    if (!isObject(value)) {
      faults.expected(at, 'an object', value);
      return;
    }
    for (const key of Object.keys(value)) {
      value[key] ??= '';
      text().check(value[key], pointer(at, key), faults);
    }
  },
};

/** A set, as Go writes it: an object whose values say nothing. */
export const set: Shape<Record<string, object>> = {
  expects: 'an object of empty objects',
  check(value, at, faults) {
    if (!isObject(value)) faults.expected(at, 'an object', value);
    else for (const key of Object.keys(value)) value[key] = {};
  },
};

/** A document as an object that `assertDocument` may prune. */
export function readJsonObject(bytes: Uint8Array, source: string, parse = parseJsonBytes): JsonObject {
  const value = readJson(bytes, source, parse);
  if (!isJsonObject(value)) throw documentError(`${source} is not an object, as the documents of images are`);
  return value;
}

/** @throws ERR_TSRUN_IMAGE with line and column */
export function readJson(bytes: Uint8Array, source: string, parse = parseJsonBytes): JsonValue {
  try {
    return parse(bytes, source);
  } catch (cause) {
    if (!TsrunError.is(cause)) throw cause;
    throw new TsrunError('ERR_TSRUN_IMAGE', cause.message, { hint: cause.hint ?? 'the image is damaged, or it is none', field: cause.field, cause });
  }
}

/** @throws ERR_TSRUN_IMAGE with the first member that is not as it must be */
export function assertDocument<T>(shape: Shape<T>, value: unknown, source: string): asserts value is T {
  try {
    assertShape(shape, value, 'ERR_TSRUN_IMAGE', source);
  } catch (cause) {
    if (!TsrunError.is(cause)) throw cause;
    throw new TsrunError(cause.code, cause.message, { hint: cause.hint ?? damagedHint, field: cause.field, cause });
  }
}

const damagedHint = 'the image is damaged, or was made by a tool that writes it otherwise';

/** Go writes a list that was never filled as null. */
export function fillLists(object: JsonObject, ...keys: readonly string[]): void {
  for (const key of keys) if (object[key] === null) object[key] = [];
}

export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects of a list; none of what is no list. */
export function objectsIn(value: JsonValue | undefined): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

/** What is wrong with an image's documents. */
export function documentError(message: string, hint = damagedHint, cause?: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_IMAGE', message, { hint, cause });
}

/** How a document is called in errors. */
export function sourceName(what: string, of: string): string {
  return `${what} of '${printable(of, 300)}'`;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return Object.prototype.toString.call(value) === '[object Object]';
}
