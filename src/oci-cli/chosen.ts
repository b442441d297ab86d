/** Which containers a command is about: the one that is named, or with `--regex` all in whose ids the pattern is found, as crun has it. */
import { RuntimeError } from './runtime-error.js';
import { containerIds } from './state.js';
import type { FlagTable, Words } from './words.js';

export const regexFlag: FlagTable = { regex: { kind: 'flag', says: 'the id is a regular expression: all containers in whose ids it is found' } };

/** Each is tried. @throws the first that failed, when all were tried */
export function forEachChosen(root: string, { rest: [name = ''], flags }: Words, work: (id: string) => void): void {
  const failures: unknown[] = [];
  for (const id of flags.has('regex') ? idsLike(root, name) : [name]) {
    try {
      work(id);
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

function idsLike(root: string, pattern: string): string[] {
  const expression = expressionOf(pattern);
  return containerIds(root).filter((id) => expression.test(id));
}

function expressionOf(pattern: string): RegExp {
  try {
    return new RegExp(pattern);
  } catch {
    throw new RuntimeError(`invalid regular expression ${pattern}`);
  }
}
