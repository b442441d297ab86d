/** What containers use, whoever started them: by their records and cgroups alone, so that no launcher is asked. */
import { stat } from 'node:fs/promises';
import { readStats } from '../cgroup/read-stats.js';
import type { ContainerStats } from '../cgroup/stats.js';
import { errnoName } from '../spec/errno.js';
import { readWhole } from './state/discard.js';
import type { ContainerRecord } from './state/record.js';
import { stateRootToLookAt, type StateRoot } from './state/state-root.js';
import { summaryOf, type ContainerSummary } from './state/summary.js';

/** A container as it was seen. */
export interface ContainerUse {
  /** Who it is. */
  readonly summary: ContainerSummary;
  /** Its own in the state root, for `readLog`. */
  readonly folder: string;
  /** When it was seen: milliseconds by `performance.now()`. */
  readonly atMs: number;
  /** Absent without a cgroup. */
  readonly stats?: ContainerStats;
}

/** Each cgroup is some fifteen files. */
const atOnce = 8;

/**
 * Looks at all live containers of a state root, as often as it is asked. It opens no runtime, and reads one record at a time, each once.
 *
 * @example
 * import { ContainerSurvey, Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * await runtime.run('./rootfs', { command: ['sleep', '1000'] });
 * const survey = new ContainerSurvey(); // in this process or another one
 * for (const { summary, stats } of await survey.look()) console.log(summary.id, stats?.cpu.usageUs);
 */
export class ContainerSurvey {
  readonly #root: StateRoot;
  readonly #known = new Map<string, { readonly inode: number; readonly record: ContainerRecord | undefined }>();

  /** @param options `root`: the state root; default as `Runtime.open` has it */
  constructor(options: { readonly root?: string } = {}) {
    this.#root = stateRootToLookAt(options.root);
  }

  /** Those that live, by name. One whose record cannot be read is passed over. */
  async look(): Promise<readonly ContainerUse[]> {
    const ids = this.#root.ids().sort();
    const there = new Set(ids);
    for (const id of this.#known.keys()) if (!there.has(id)) this.#known.delete(id);
    const uses: Promise<ContainerUse | undefined>[] = [];
    for (const id of ids) {
      const record = await this.#record(id);
      if (record !== undefined) uses.push(this.#use(record));
      if (uses.length % atOnce === 0) await Promise.all(uses);
    }
    return (await Promise.all(uses)).filter((use) => use !== undefined);
  }

  /** Undefined for what is nobody's container. A folder of the same name may be another one's by now. */
  async #record(id: string): Promise<ContainerRecord | undefined> {
    const inode = await inodeOf(this.#root.containerPath(id));
    if (inode === undefined) return undefined;
    const known = this.#known.get(id);
    if (known?.inode === inode) return known.record;
    const found = readWhole(this.#root, id);
    const record = found?.internal === true ? undefined : found;
    this.#known.set(id, { inode, record });
    return record;
  }

  async #use(record: ContainerRecord): Promise<ContainerUse | undefined> {
    const summary = summaryOf(this.#root, record);
    if (summary.state === 'stopped') return undefined;
    const stats = record.cgroup === '' ? undefined : await readStats(record.cgroup);
    // Its record is there a little longer than its cgroup.
    if (record.cgroup !== '' && stats === undefined) return undefined;
    return { summary, folder: this.#root.containerPath(record.id), atMs: performance.now(), ...(stats !== undefined && { stats }) };
  }
}

async function inodeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).ino;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw error;
  }
}
