/** Measuring in rounds: each subject once a round, in an order that is never the same, so that what drifts hits all alike. */

export interface Subject {
  /** Its figures, in nanoseconds, by the name of their row. */
  readonly start: () => Promise<Readonly<Record<string, number>>>;
}

export interface Samples {
  readonly rows: ReadonlyMap<string, readonly number[]>;
  /** What went wrong, by the subject's place. */
  readonly failures: readonly string[];
}

export interface RoundsOptions {
  readonly rounds: number;
  readonly warmUp: number;
}

/** A subject that fails is left out from then on: a peer may not work on this host. */
export async function measure(subjects: readonly Subject[], { rounds, warmUp }: RoundsOptions): Promise<Samples> {
  const rows = new Map<string, number[]>();
  const failures: string[] = [];
  let taking = [...subjects];
  for (let round = -warmUp; round < rounds; round++) {
    for (const subject of shuffled(taking)) {
      try {
        const figures = await subject.start();
        if (round >= 0) for (const [name, value] of Object.entries(figures)) append(rows, name, value);
      } catch (error) {
        failures.push(firstLine(error));
        taking = taking.filter((each) => each !== subject);
      }
    }
  }
  return { rows, failures };
}

function firstLine(error: unknown): string {
  const [line = ''] = (error instanceof Error ? error.message : String(error)).split('\n');
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

function append(rows: Map<string, number[]>, name: string, value: number): void {
  const row = rows.get(name);
  if (row === undefined) rows.set(name, [value]);
  else row.push(value);
}

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, key: Math.random() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}

export interface Summary {
  readonly count: number;
  readonly min: number;
  readonly p50: number;
  readonly p99: number;
}

export function summarize(values: readonly number[]): Summary {
  return { count: values.length, min: percentile(values, 0), p50: percentile(values, 0.5), p99: percentile(values, 0.99) };
}

export function percentile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

/** Of two subjects that were measured in the same rounds: the ratio of each round. */
export function ratios(of: readonly number[], to: readonly number[]): number[] {
  return of.slice(0, to.length).map((value, round) => value / (to[round] ?? Number.NaN));
}
