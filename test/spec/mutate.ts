/** Spoils one place of a value, and catches the error that must follow. */

import { TsrunError } from '../../src/spec/errors.js';

export type Path = readonly string[];

/** Every value in the tree that has none below it. */
export function leaves(value: unknown, path: Path = []): { path: Path; value: unknown }[] {
  const below = members(value).flatMap(([key, member]) => leaves(member, [...path, key]));
  return below.length === 0 ? [{ path, value }] : below;
}

/** Every object in the tree that is not an array. */
export function objects(value: unknown, path: Path = []): Path[] {
  const below = members(value).flatMap(([key, member]) => objects(member, [...path, key]));
  return typeof value !== 'object' || value === null || Array.isArray(value) ? below : [path, ...below];
}

export function members(value: unknown): [string, unknown][] {
  return typeof value === 'object' && value !== null ? Object.entries(value) : [];
}

/** The tree with the value at `path` replaced. */
export function replaced(value: unknown, [key, ...rest]: Path, replacement: unknown): unknown {
  if (key === undefined) return replacement;
  const copy = new Map(members(value));
  copy.set(key, replaced(copy.get(key), rest, replacement));
  return Array.isArray(value) ? [...copy.values()] : Object.fromEntries(copy);
}

export function pointer(path: Path): string {
  return path.map((key) => `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
}

/** The TsrunError that `run` throws, if it throws one. */
export function faultOf(run: () => unknown): TsrunError | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    if (TsrunError.is(error)) return error;
    throw error;
  }
}
