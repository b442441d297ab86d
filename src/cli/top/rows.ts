/** What is shown of containers and dynos, a row each, from two looks at them. Functions of their arguments. */
import type { ContainerStats, ContainerUse, DynoSummary } from '../../index.js';
import { usageBetween, type Sample } from '../stats.js';

/** A dyno, and whose it is. */
export interface AppDyno extends DynoSummary {
  readonly app: string;
}

/** Figures that the kernel does not give here, or not yet, are absent. */
export interface TopRow extends Partial<Omit<Sample, 'id'>> {
  /** Of the container; of a dyno without one what its would be: `my-app.web.1`. */
  readonly name: string;
  readonly state: string;
  readonly app?: string;
  /** `web.1` */
  readonly dyno?: string;
  readonly command: string;
  readonly pidsLimit?: number;
  /** Share of its turns in which its processor limit held it back. */
  readonly throttledPercent?: number;
  /** Share of the last ten seconds in which something of it waited. */
  readonly pressurePercent?: Pressures;
  readonly restarts?: number;
  readonly uptimeMs?: number;
  /** Its own folder, if its container keeps a log there. */
  readonly logFolder?: string;
}

export type Pressures = Readonly<Partial<Record<'cpu' | 'memory' | 'io', number>>>;

export interface Sight {
  readonly uses: readonly ContainerUse[];
  /** What was seen before, by name. */
  readonly before: ReadonlyMap<string, ContainerUse>;
  readonly dynos: readonly AppDyno[];
  readonly hostBytes: number;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

export function rowsOf({ uses, before, dynos, hostBytes, nowMs }: Sight): readonly TopRow[] {
  const owners = new Map(dynos.map((dyno) => [containerOf(dyno), dyno]));
  const ids = new Set(uses.map(({ summary }) => summary.id));
  const rows = uses.map((use): TopRow => {
    const { id, state, record } = use.summary;
    const owner = owners.get(id);
    return {
      name: id,
      state,
      command: (record.spec.process?.args ?? []).join(' '),
      uptimeMs: Math.max(0, nowMs - record.createdAtMs),
      ...figures(use, before.get(id), hostBytes),
      ...(record.extensions.log !== undefined && { logFolder: use.folder }),
      ...(owner !== undefined && dynoFields(owner)),
      // Its dyno does not know.
      ...(state === 'paused' && { state }),
    };
  });
  const without = dynos.filter((dyno) => !ids.has(containerOf(dyno)));
  return [...rows, ...without.map((dyno): TopRow => ({ name: containerOf(dyno), ...dynoFields(dyno) }))];
}

/** Of one that has none, what its would be called. */
function containerOf({ app, name, container = `${app}.${name}` }: AppDyno): string {
  return container;
}

function dynoFields({ app, name, state, command, restarts }: AppDyno) {
  return { app, dyno: name, state, command, restarts };
}

function figures(use: ContainerUse, before: ContainerUse | undefined, hostBytes: number): Partial<TopRow> {
  const { summary: { record }, atMs, stats } = use;
  if (stats === undefined) return {};
  const isSame = before?.summary.record.createdAtMs === record.createdAtMs;
  const earlier = isSame && before.stats !== undefined ? { atMs: before.atMs, stats: before.stats } : undefined;
  const { cpuPercent, ...used } = usageBetween(earlier ?? { atMs, stats }, { atMs, stats }, hostBytes);
  return {
    ...used,
    ...(earlier !== undefined && { cpuPercent, ...throttling(earlier.stats, stats) }),
    ...(stats.pids !== undefined && stats.pids.max !== 'max' && { pidsLimit: stats.pids.max }),
    ...pressures(stats),
  };
}

function throttling({ cpu: { throttling: last } }: ContainerStats, { cpu: { throttling: now } }: ContainerStats): Partial<TopRow> {
  if (last === undefined || now === undefined) return {};
  const periods = now.periods - last.periods;
  return { throttledPercent: periods <= 0 ? 0 : ((now.throttledPeriods - last.throttledPeriods) / periods) * 100 };
}

function pressures({ pressure: { cpu, memory, io } }: ContainerStats): Partial<TopRow> {
  const percent: Pressures = {
    ...(cpu !== undefined && { cpu: cpu.some.avg10 }),
    ...(memory !== undefined && { memory: memory.some.avg10 }),
    ...(io !== undefined && { io: io.some.avg10 }),
  };
  return Object.keys(percent).length === 0 ? {} : { pressurePercent: percent };
}

/** The one of which it waits most. */
export function worstPressure({ pressurePercent = {} }: TopRow): readonly [resource: string, percent: number] | undefined {
  const all: (readonly [string, number])[] = Object.entries(pressurePercent);
  return all.length === 0 ? undefined : all.reduce((worst, each) => (each[1] > worst[1] ? each : worst));
}
