/** The shortest way from one list to another, by a longest common subsequence. */

export interface Change<T> {
  /** `-`: only in the first; `+`: only in the second. */
  readonly sign: '-' | '+';
  readonly item: T;
}

/** What is taken away and what is added, in order; entries with the same key are the same. */
export function difference<T>(before: readonly T[], after: readonly T[], keyOf: (item: T) => string): Change<T>[] {
  const [a, b] = [before.map(keyOf), after.map(keyOf)];
  const common = commonLengths(a, b);
  const lengthAt = (i: number, j: number) => common[i]?.[j] ?? 0;
  const changes: Change<T>[] = [];
  const push = (sign: '-' | '+', item: T | undefined) => {
    if (item !== undefined) changes.push({ sign, item });
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i++;
      j++;
    } else if (i < a.length && (j === b.length || lengthAt(i + 1, j) >= lengthAt(i, j + 1))) push('-', before[i++]);
    else push('+', after[j++]);
  }
  return changes;
}

/** `[i][j]`: how many entries `a` from `i` on and `b` from `j` on have in common at most. */
function commonLengths(a: readonly string[], b: readonly string[]): number[][] {
  const lengths = Array.from({ length: a.length + 1 }, () => Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) {
    const [row = [], below = []] = [lengths[i], lengths[i + 1]];
    for (let j = b.length - 1; j >= 0; j--) {
      row[j] = a[i] === b[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
    }
  }
  return lengths;
}
