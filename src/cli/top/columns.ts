/** The columns of `tsrun top`: what stands in them, and how rows are sorted by them. */
import { humanDuration, humanSize, type Column, type Style } from '../output.js';
import { worstPressure, type TopRow } from './rows.js';
import { sortKeys, type SortKey } from './sort-keys.js';

export interface TopColumn {
  readonly title: string;
  /** Of the text; what is longer makes it wider. */
  readonly width: number;
  readonly isNumber: boolean;
  readonly text: (row: TopRow) => string;
  /** By which it is sorted: numbers from the largest on. */
  readonly order: (row: TopRow) => number | string | undefined;
  /** Of a whole: drawn as a bar before the text, so wide. */
  readonly bar?: { readonly width: number; readonly share: (row: TopRow) => number | undefined };
  readonly style?: (row: TopRow) => Style | undefined;
}

/** Colours of shares: as they are, much, nearly all. */
export function levelOf(share: number | undefined): Style | undefined {
  return share === undefined ? undefined : share >= 0.9 ? 'red' : share >= 0.6 ? 'yellow' : 'green';
}

export function percent(value: number | undefined): string {
  return value === undefined ? '-' : `${value.toFixed(value < 999.95 ? 1 : 0)}%`;
}

const stateStyles: Readonly<Record<string, Style>> = { up: 'green', running: 'green', crashed: 'red', complete: 'dim', down: 'dim', idle: 'dim' };

export function memoryShare({ memoryBytes, memoryLimitBytes }: TopRow): number | undefined {
  return memoryBytes === undefined || memoryLimitBytes === undefined || memoryLimitBytes === 0 ? undefined : memoryBytes / memoryLimitBytes;
}

/** One processor is all of it. */
export function cpuShare({ cpuPercent }: TopRow): number | undefined {
  return cpuPercent === undefined ? undefined : cpuPercent / 100;
}

export function memoryText({ memoryBytes, memoryLimitBytes }: TopRow): string {
  return memoryBytes === undefined || memoryLimitBytes === undefined ? '-' : `${humanSize(memoryBytes)} / ${humanSize(memoryLimitBytes)}`;
}

const pidsShare = ({ pids, pidsLimit }: TopRow) => (pids === undefined || pidsLimit === undefined ? undefined : pids / pidsLimit);
/** Little of it is nothing to look at. */
const alarming = (share: number | undefined): Style | undefined => (share === undefined || share < 0.6 ? undefined : levelOf(share));

export const columns: Readonly<Record<SortKey, TopColumn>> = {
  name: { title: 'NAME', width: 8, isNumber: false, text: ({ name }) => name, order: ({ name }) => name },
  state: { title: 'STATE', width: 7, isNumber: false, text: ({ state }) => state, order: ({ state }) => state, style: ({ state }) => stateStyles[state] ?? 'yellow' },
  cpu: {
    title: 'CPU', width: 6, isNumber: true, text: ({ cpuPercent }) => percent(cpuPercent), order: ({ cpuPercent }) => cpuPercent,
    bar: { width: 10, share: cpuShare }, style: (row) => levelOf(cpuShare(row)),
  },
  memory: {
    title: 'MEMORY / LIMIT', width: 17, isNumber: true, text: memoryText, order: ({ memoryBytes }) => memoryBytes,
    bar: { width: 6, share: memoryShare }, style: (row) => levelOf(memoryShare(row)),
  },
  pids: { title: 'PIDS', width: 5, isNumber: true, text: ({ pids }) => (pids === undefined ? '-' : String(pids)), order: ({ pids }) => pids, style: (row) => alarming(pidsShare(row)) },
  uptime: { title: 'UPTIME', width: 7, isNumber: true, text: ({ uptimeMs }) => (uptimeMs === undefined ? '-' : humanDuration(Math.floor(uptimeMs / 1000) * 1000)), order: ({ uptimeMs }) => uptimeMs },
  pressure: {
    title: 'PRESSURE', width: 10, isNumber: true,
    text: (row) => worstPressure(row)?.map((part) => (typeof part === 'number' ? `${Math.round(part)}%` : part)).join(' ') ?? '-',
    order: (row) => worstPressure(row)?.[1], style: (row) => alarming((worstPressure(row)?.[1] ?? 0) / 50),
  },
  restarts: { title: 'RESTARTS', width: 8, isNumber: true, text: ({ restarts }) => (restarts === undefined ? '-' : String(restarts)), order: ({ restarts }) => restarts, style: ({ restarts = 0 }) => (restarts > 0 ? 'yellow' : undefined) },
  throttled: { title: 'THROTTLED', width: 9, isNumber: true, text: ({ throttledPercent }) => percent(throttledPercent), order: ({ throttledPercent }) => throttledPercent, style: ({ throttledPercent = 0 }) => alarming(throttledPercent / 50) },
};

/** For a table without bars. */
export const tableColumns: readonly Column[] = sortKeys.map((key) => ({ title: columns[key].title, align: columns[key].isNumber ? 'right' : 'left' }));

export function tableCells(row: TopRow): readonly string[] {
  return sortKeys.map((key) => columns[key].text(row));
}

/** Rows without a figure stand below all others, either way round; equal ones by name. */
export function sortRows(rows: readonly TopRow[], key: SortKey, isReversed: boolean): readonly TopRow[] {
  const { order } = columns[key];
  const direction = isReversed ? -1 : 1;
  return rows.map((row) => ({ row, by: order(row) })).sort((a, b) => direction * compare(a.by, b.by) || missing(a.by) - missing(b.by) || compare(a.row.name, b.row.name)).map(({ row }) => row);
}

const missing = (value: number | string | undefined) => (value === undefined ? 1 : 0);

function compare(a: number | string | undefined, b: number | string | undefined): number {
  if (typeof a === 'number' && typeof b === 'number') return b - a;
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : a > b ? 1 : 0;
  return 0;
}

export function filterRows(rows: readonly TopRow[], filter: string): readonly TopRow[] {
  const wanted = filter.toLowerCase();
  return wanted === '' ? rows : rows.filter(({ name, state }) => name.toLowerCase().includes(wanted) || state.includes(wanted));
}
