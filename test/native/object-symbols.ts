/** Reads object files with nm(1): which symbols they define, and which they expect from elsewhere. */
import { execFileSync } from 'node:child_process';

export interface ObjectSymbols {
  readonly file: string;
  readonly undefined: readonly string[];
  readonly defined: readonly string[];
}

export function readObject(file: string): ObjectSymbols {
  return { file, undefined: names(file, '--undefined-only'), defined: names(file, '--defined-only') };
}

function names(file: string, which: string): string[] {
  const text = execFileSync('nm', [which, '--format=just-symbols', file], { encoding: 'utf8' });
  return text.split('\n').filter((line) => line !== '');
}

/**
 * What the files call outside of themselves and the allow-list, as `file: symbol`. A function of our own counts as outside, too, when
 * none of the files defines it: what it calls in its turn would escape the check.
 */
export function escapes(objects: readonly ObjectSymbols[], allowed: ReadonlySet<string>): string[] {
  const inside = new Set(objects.flatMap((object) => object.defined));
  return objects.flatMap((object) =>
    object.undefined.filter((symbol) => !inside.has(symbol) && !allowed.has(symbol)).map((symbol) => `${object.file}: ${symbol}`),
  );
}
