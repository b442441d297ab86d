/** `tsrun stats` */
import { setTimeout as sleep } from 'node:timers/promises';
import { TsrunError, type Container, type ContainerStats, type Runtime } from '../index.js';
import { reachLive, withRuntime } from './containers.js';
import type { Invocation } from './invocation.js';
import { humanSize, painter, renderJson, renderTable, type Column } from './output.js';

const columns: readonly Column[] = [
  { title: 'CONTAINER' },
  { title: 'CPU %', align: 'right' },
  { title: 'MEM USAGE / LIMIT', align: 'right' },
  { title: 'MEM %', align: 'right' },
  { title: 'BLOCK I/O', align: 'right' },
  { title: 'PIDS', align: 'right' },
];

const onceMs = 500;
const streamMs = 1000;

/** What one container did between two looks. Figures whose controller is not on cgroup v2 are absent. */
export interface Sample {
  readonly id: string;
  /** Of one processor: two that are busy make 200. */
  readonly cpuPercent: number;
  /** Without the page cache that can be dropped at once, as docker counts. */
  readonly memoryBytes?: number;
  /** Of the host where the container has no limit. */
  readonly memoryLimitBytes?: number;
  readonly readBytes?: number;
  readonly writtenBytes?: number;
  readonly pids?: number;
}

interface Look {
  readonly atMs: number;
  readonly stats: ContainerStats;
}

/** Without names every live container, also those that come; with names until the last of them has ended. */
export async function run(invocation: Invocation): Promise<number> {
  const { flags, positionals } = invocation;
  return withRuntime(async (runtime) => {
    const watched = new Watched(runtime, positionals);
    await watched.look();
    if (flags.noStream === true) {
      await sleep(onceMs);
      await show(await watched.look(), invocation);
      return 0;
    }
    do {
      await sleep(streamMs);
      await show(await watched.look(), invocation);
    } while (positionals.length === 0 || watched.size > 0);
    return 0;
  });
}

/** The containers that are looked at, each with its last look. */
class Watched {
  readonly #runtime: Runtime;
  readonly #names: readonly string[];
  readonly #live = new Map<string, { readonly container: Container; last?: Look }>();
  readonly #asked = new Set<string>();

  constructor(runtime: Runtime, names: readonly string[]) {
    this.#runtime = runtime;
    this.#names = names;
  }

  get size(): number {
    return this.#live.size;
  }

  /** A sample for each that was looked at before. */
  async look(): Promise<Sample[]> {
    await this.#findNew();
    const samples = await Promise.all([...this.#live].map(async ([id, entry]) => {
      const stats = await statsOf(entry.container);
      if (stats === undefined) {
        this.#live.delete(id);
        this.#asked.delete(id);
        return [];
      }
      const { last } = entry;
      entry.last = { atMs: performance.now(), stats };
      return last === undefined ? [] : [sampleOf(id, last, entry.last, this.#runtime.host.memoryBytes)];
    }));
    return samples.flat().sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** A launcher that does not answer is waited for once: not again at every look, and not for one container after the other. */
  async #findNew(): Promise<void> {
    if (this.#names.length > 0) {
      if (this.#asked.size === 0) await Promise.all([...new Set(this.#names)].map(async (id) => this.#reach(id)));
      return;
    }
    const ids = new Set(this.#runtime.list().filter(({ state }) => state !== 'stopped').map(({ id }) => id));
    for (const id of this.#asked) if (!ids.has(id)) this.#asked.delete(id);
    await Promise.all([...ids].filter((id) => !this.#asked.has(id)).map(async (id) => this.#reach(id).catch(() => undefined)));
  }

  async #reach(id: string): Promise<void> {
    this.#asked.add(id);
    this.#live.set(id, { container: await reachLive(this.#runtime, id) });
  }
}

/** Undefined when it has ended. */
async function statsOf(container: Container): Promise<ContainerStats | undefined> {
  try {
    return await container.stats();
  } catch (error) {
    if (TsrunError.is(error) && error.code === 'ERR_TSRUN_STATE') return undefined;
    throw error;
  }
}

export function sampleOf(id: string, last: Look, now: Look, hostBytes: number): Sample {
  return { id, ...usageBetween(last, now, hostBytes) };
}

export function usageBetween(last: Look, now: Look, hostBytes: number): Omit<Sample, 'id'> {
  const { cpu, memory, io, pids } = now.stats;
  const spanUs = (now.atMs - last.atMs) * 1000;
  return {
    cpuPercent: spanUs <= 0 ? 0 : ((cpu.usageUs - last.stats.cpu.usageUs) / spanUs) * 100,
    ...(memory !== undefined && {
      memoryBytes: Math.max(0, memory.currentBytes - (memory.stat['inactive_file'] ?? 0)),
      memoryLimitBytes: memory.maxBytes === 'max' ? hostBytes : Math.min(memory.maxBytes, hostBytes),
    }),
    ...(io !== undefined && {
      readBytes: io.reduce((sum, { readBytes }) => sum + readBytes, 0),
      writtenBytes: io.reduce((sum, { writtenBytes }) => sum + writtenBytes, 0),
    }),
    ...(pids !== undefined && { pids: pids.current }),
  };
}

/** A terminal shows the newest figures in one place; elsewhere, and as JSON, one follows the other. */
function show(samples: readonly Sample[], { flags, stdout, env }: Invocation): Promise<void> {
  const stream = flags.noStream !== true;
  if (flags.json === true) return write(stdout, stream ? samples.map((sample) => `${JSON.stringify(sample)}\n`).join('') : renderJson(samples));
  const redraw = stream && stdout.isTTY === true ? '\u001b[H\u001b[2J' : '';
  return write(stdout, redraw + renderTable(columns, samples.map(row), { paint: painter(stdout, env) }));
}

/** Waits until it is taken: a reader that stands still must not fill this process's memory. */
function write(stdout: Invocation['stdout'], text: string): Promise<void> {
  return new Promise((resolve) => {
    stdout.write(text, () => {
      resolve();
    });
  });
}

export function row({ id, cpuPercent, memoryBytes, memoryLimitBytes, readBytes, writtenBytes, pids }: Sample): readonly string[] {
  const percent = (value: number) => `${value.toFixed(2)}%`;
  const both = (a: number | undefined, b: number | undefined) => (a === undefined || b === undefined ? '-' : `${humanSize(a)} / ${humanSize(b)}`);
  const share = memoryBytes === undefined || memoryLimitBytes === undefined || memoryLimitBytes === 0 ? '-' : percent((memoryBytes / memoryLimitBytes) * 100);
  return [id, percent(cpuPercent), both(memoryBytes, memoryLimitBytes), share, both(readBytes, writtenBytes), pids === undefined ? '-' : String(pids)];
}
