/** What the dynos of a formation use, as OpenMetrics text (openmetrics.io, version 1.0.0). */
import type { ContainerStats, Pressure } from '../../cgroup/stats.js';
import type { DynoState } from '../life-record.js';
import { memoryUse, type DynoSample } from './sample.js';

/** Of the text; what it is served as. */
export const openMetricsType = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

/** A dyno at the moment of the question. */
export interface DynoReading {
  readonly name: string;
  readonly type: string;
  readonly state: DynoState;
  readonly crashes: number;
  readonly sample?: DynoSample | undefined;
  /** Absent while nothing of it runs, or nobody counts. */
  readonly stats?: ContainerStats | undefined;
  readonly quotaBytes?: number | undefined;
}

type Value = readonly [labels: Readonly<Record<string, string>>, value: number | undefined];

interface Family {
  readonly name: string;
  readonly type: 'gauge' | 'counter';
  readonly unit?: 'bytes' | 'seconds';
  readonly help: string;
  readonly values: (dyno: DynoReading) => readonly Value[];
}

const one = (value: number | undefined): readonly Value[] => [[{}, value]];
const finite = (limit: number | 'max' | undefined): number | undefined => (limit === 'max' ? undefined : limit);
const seconds = (microseconds: number | undefined): number | undefined => (microseconds === undefined ? undefined : microseconds / 1e6);

const families: readonly Family[] = [
  { name: 'tsrun_dyno_up', type: 'gauge', help: '1 for a dyno that is up.', values: ({ state }) => one(state === 'up' ? 1 : 0) },
  { name: 'tsrun_dyno_crashes', type: 'gauge', help: 'Crashes in a row, as its restart policy counts.', values: ({ crashes }) => one(crashes) },
  {
    name: 'tsrun_dyno_load', type: 'gauge', help: 'Tasks that could run, on average over so many minutes.',
    values: ({ sample }) => [[{ minutes: '1' }, sample?.load1], [{ minutes: '5' }, sample?.load5], [{ minutes: '15' }, sample?.load15]],
  },
  {
    name: 'tsrun_dyno_cpu_seconds', type: 'counter', unit: 'seconds', help: 'Processor time since its start.',
    values: ({ stats }) => [[{ mode: 'user' }, seconds(stats?.cpu.userUs)], [{ mode: 'system' }, seconds(stats?.cpu.systemUs)]],
  },
  { name: 'tsrun_dyno_throttled_seconds', type: 'counter', unit: 'seconds', help: 'Time that its processor limit held it back.', values: ({ stats }) => one(seconds(stats?.cpu.throttling?.throttledUs)) },
  { name: 'tsrun_dyno_memory_bytes', type: 'gauge', unit: 'bytes', help: 'Memory by kind.', values: ({ stats }) => memoryKinds(stats) },
  { name: 'tsrun_dyno_memory_quota_bytes', type: 'gauge', unit: 'bytes', help: 'The quota of its size: more is R14.', values: ({ quotaBytes }) => one(quotaBytes) },
  { name: 'tsrun_dyno_memory_limit_bytes', type: 'gauge', unit: 'bytes', help: 'What the kernel gives at most.', values: ({ stats }) => one(finite(stats?.memory?.maxBytes)) },
  { name: 'tsrun_dyno_oom_kills', type: 'counter', help: 'Processes killed for want of memory.', values: ({ stats }) => one(stats?.memory?.events.oomKill) },
  { name: 'tsrun_dyno_tasks', type: 'gauge', help: 'Processes and threads.', values: ({ stats }) => one(stats?.pids?.current) },
  { name: 'tsrun_dyno_tasks_limit', type: 'gauge', help: 'The most of them.', values: ({ stats }) => one(finite(stats?.pids?.max)) },
  { name: 'tsrun_dyno_refused_forks', type: 'counter', help: 'Forks that failed at that limit.', values: ({ stats }) => one(stats?.pids?.refusedForks) },
  { name: 'tsrun_dyno_pressure_seconds', type: 'counter', unit: 'seconds', help: 'Time that some or all of its tasks waited for a resource.', values: ({ stats }) => pressures(stats?.pressure) },
];

function memoryKinds(stats: ContainerStats | undefined): readonly Value[] {
  if (stats?.memory === undefined) return [];
  const { rssBytes, cacheBytes, swapBytes } = memoryUse(stats.memory);
  return [[{ kind: 'rss' }, rssBytes], [{ kind: 'cache' }, cacheBytes], [{ kind: 'swap' }, swapBytes]];
}

function pressures(pressure: ContainerStats['pressure'] = {}): readonly Value[] {
  return Object.entries<Pressure | undefined>(pressure).flatMap(([resource, lines]): Value[] => [
    [{ resource, waiting: 'some' }, seconds(lines?.some.totalUs)],
    [{ resource, waiting: 'all' }, seconds(lines?.full?.totalUs)],
  ]);
}

/** Families that nobody has a value of are left out. */
export function openMetrics(app: string, dynos: readonly DynoReading[]): string {
  const lines = families.flatMap((family) => familyLines(family, app, dynos));
  return `${[...lines, '# EOF'].join('\n')}\n`;
}

function familyLines({ name, type, unit, help, values }: Family, app: string, dynos: readonly DynoReading[]): string[] {
  const suffix = type === 'counter' ? '_total' : '';
  const samples = dynos.flatMap((dyno) =>
    values(dyno).flatMap(([labels, value]) => (value === undefined ? [] : [`${name}${suffix}${labelText({ app, type: dyno.type, dyno: dyno.name, ...labels })} ${value}`])),
  );
  if (samples.length === 0) return [];
  return [`# TYPE ${name} ${type}`, ...(unit === undefined ? [] : [`# UNIT ${name} ${unit}`]), `# HELP ${name} ${help}`, ...samples];
}

/** Names of apps and dynos are letters, digits, and what needs no escape. */
function labelText(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels).map(([name, value]) => `${name}="${value}"`).join(',')}}`;
}
