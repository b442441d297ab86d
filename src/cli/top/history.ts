/** What each row has used, for sparklines. */
import type { TopRow } from './rows.js';
import { worstPressure } from './rows.js';

export interface Course {
  readonly cpu: readonly number[];
  readonly memory: readonly number[];
  readonly pids: readonly number[];
  readonly pressure: readonly number[];
}

export type Courses = ReadonlyMap<string, Course>;

/** More than any terminal is wide. */
const mostSamples = 300;
const nothing: Course = { cpu: [], memory: [], pids: [], pressure: [] };

/** Those of rows that are gone go too. */
export function extend(courses: Courses, rows: readonly TopRow[]): Courses {
  const next = (values: readonly number[], value: number | undefined) => (value === undefined ? values : values.slice(1 - mostSamples).concat(value));
  return new Map(rows.map((row) => {
    const { cpu, memory, pids, pressure } = courses.get(row.name) ?? nothing;
    return [row.name, { cpu: next(cpu, row.cpuPercent), memory: next(memory, row.memoryBytes), pids: next(pids, row.pids), pressure: next(pressure, worstPressure(row)?.[1]) }];
  }));
}

const blocks = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;

/** The last ones, so many cells wide, between nothing and `most`, or the largest of them where that is more. */
export function sparkline(values: readonly number[], width: number, most: number): string {
  const shown = width <= 0 ? [] : values.slice(-width);
  const top = Math.max(most, ...shown);
  return shown.map((value) => blocks[top <= 0 ? 0 : Math.min(7, Math.floor((Math.max(0, value) / top) * 8))] ?? '▁').join('');
}
