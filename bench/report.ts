/** Results as data, and as aligned text. */
import { percentile, ratios, summarize, type Samples, type Summary } from './rounds.js';

export type Unit = 'ms' | '/s' | 'kB' | 'turns';

export interface Row {
  readonly name: string;
  readonly unit: Unit;
  readonly figures: Summary;
}

export interface Comparison {
  readonly name: string;
  readonly unit: '×' | 'ms';
  readonly p50: number;
  /** Tenth and ninetieth percentile. */
  readonly p10: number;
  readonly p90: number;
  /** What the design promises; told, never judged. */
  readonly goal?: string;
}

export interface SectionResult {
  readonly title: string;
  readonly rows: readonly Row[];
  readonly comparisons: readonly Comparison[];
  readonly notes: readonly string[];
}

export function rowsOf({ rows }: Samples): Row[] {
  return [...rows].map(([name, values]) => ({ name, unit: 'ms', figures: scaled(summarize(values), 1e-6) }));
}

/** Nanoseconds for `count` containers, as containers a second; the best of them is called min all the same. */
export function ratesOf({ rows }: Samples, count: number): Row[] {
  return [...rows].map(([name, values]) => ({ name, unit: '/s', figures: summarize(values.map((ns) => (count * 1e9) / ns)) }));
}

export function single(name: string, unit: Unit, value: number): Row {
  return { name, unit, figures: { count: 1, min: value, p50: value, p99: value } };
}

export function compare(name: string, unit: Comparison['unit'], values: readonly number[], goal?: string): Comparison[] {
  if (values.length === 0) return [];
  const [p10, p50, p90] = [percentile(values, 0.1), percentile(values, 0.5), percentile(values, 0.9)];
  return [{ name, unit, p10, p50, p90, ...(goal === undefined ? {} : { goal }) }];
}

/** Of rows of the same rounds. */
export function compareRows({ rows }: Samples, of: string, to: string, { name = `${of} / ${to}`, goal }: { readonly name?: string; readonly goal?: string } = {}): Comparison[] {
  return compare(name, '×', ratios(rows.get(of) ?? [], rows.get(to) ?? []), goal);
}

function scaled({ count, min, p50, p99 }: Summary, factor: number): Summary {
  return { count, min: min * factor, p50: p50 * factor, p99: p99 * factor };
}

export function textOf({ title, rows, comparisons, notes }: SectionResult): string {
  const measured = rows.map(({ name, unit, figures: { count, min, p50, p99 } }) => [name, shown(p50), shown(p99), shown(min), unit, String(count)]);
  const compared = comparisons.map(({ name, unit, p10, p50, p90, goal }) => [name, shown(p50), shown(p10), shown(p90), unit, goal ?? '']);
  return [
    title,
    ...(measured.length > 0 ? aligned([['', 'p50', 'p99', 'min', '', 'n'], ...measured]) : []),
    ...(compared.length > 0 ? ['', ...aligned([['pair by pair', 'p50', 'p10', 'p90', '', 'goal'], ...compared])] : []),
    ...notes.map((note) => `  ${note}`),
    '',
  ].join('\n');
}

function shown(value: number): string {
  if (Number.isNaN(value)) return '-';
  return value.toFixed(Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
}

/** First and last column to the left, figures to the right. */
function aligned(table: readonly (readonly string[])[]): string[] {
  const widths = (table[0] ?? []).map((_, column) => Math.max(...table.map((line) => line[column]?.length ?? 0)));
  return table.map((line) => {
    const cells = line.map((cell, column) => (column === 0 || column >= 4 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)));
    return `  ${cells.join('  ').trimEnd()}`;
  });
}
