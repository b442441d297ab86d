/** Freezing, killing and removing a cgroup. What must be waited for is waited for by events of the kernel, within a bound. */
import { readFileSync, watch } from 'node:fs';
import { open, readEntries, readFile, rmdir, writeFile, type FileHandle } from '../host/files.js';
import { errnoName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';
import { parseFlat } from './stats.js';

export interface CgroupState {
  /** Some process lives in the cgroup or below it. */
  readonly populated: boolean;
  readonly frozen: boolean;
}

export interface WaitOptions {
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** A second notice within 10 ms is held back so long, and never comes when the cgroup is removed meanwhile (CGROUP_FILE_NOTIFY_MIN_INTV). */
const HELD_BACK_MS = 20;
/** Above the depth that the base cgroup allows (`layout.ts`); more means that something is wrong. */
const MAX_DEPTH = 128;

/** Undefined when the cgroup is gone. */
export async function cgroupState(dir: string): Promise<CgroupState | undefined> {
  const text = await unlessGone(readFile(`${dir}/cgroup.events`, 'utf8'));
  if (text === undefined) return undefined;
  const events = parseFlat(text);
  return { populated: events['populated'] === 1, frozen: events['frozen'] === 1 };
}

/** Whether every process in the cgroup and below has stopped; false when it is gone. For lists, which look at many. */
export function isFrozen(dir: string): boolean {
  try {
    return parseFlat(readFileSync(`${dir}/cgroup.events`, 'utf8'))['frozen'] === 1;
  } catch {
    return false;
  }
}

/** Resolves when every process in the cgroup and below has stopped. */
export async function freeze(dir: string, options: WaitOptions = {}): Promise<void> {
  await switchFreezer(dir, true, options);
}

export async function thaw(dir: string, options: WaitOptions = {}): Promise<void> {
  await switchFreezer(dir, false, options);
}

/**
 * SIGKILL to every process in the cgroup and below, at once and without a race against fork (cgroup.kill, Linux 5.14;
 * reaches frozen ones too). Resolves when nothing is left alive; a cgroup that is gone is no error.
 */
export async function killAll(dir: string, options: WaitOptions = {}): Promise<void> {
  await unlessGone(writeFile(`${dir}/cgroup.kill`, '1'));
  await waitForState(dir, (state) => !state.populated, 'become empty', options);
}

/** Removes the cgroup and those that were made below it; waits while a process is still ending. Kills nothing. */
export async function removeCgroup(dir: string, options: WaitOptions = {}): Promise<void> {
  const deadline = performance.now() + (options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  while (!(await removedOrBusy(dir))) {
    const timeoutMs = deadline - performance.now();
    if (timeoutMs <= 0) throw notInTime(dir, 'let itself be removed');
    await waitForState(dir, (state) => !state.populated, 'become empty', { timeoutMs });
    await removeChildren(dir, 0);
  }
}

async function switchFreezer(dir: string, frozen: boolean, options: WaitOptions): Promise<void> {
  const written = await unlessGone(writeFile(`${dir}/cgroup.freeze`, frozen ? '1' : '0').then(() => true));
  if (written === undefined) {
    throw new TsrunError('ERR_TSRUN_STATE', `the cgroup '${dir}' is gone`, { hint: 'the container has ended' });
  }
  await waitForState(dir, (state) => state.frozen === frozen, frozen ? 'freeze' : 'thaw', options);
}

async function removedOrBusy(dir: string): Promise<boolean> {
  try {
    await rmdir(dir);
    return true;
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return true;
    if (errnoName(error) === 'EBUSY') return false;
    throw error;
  }
}

/** By descriptor from level to level: a payload that may write its cgroups can build a path longer than PATH_MAX. */
async function removeChildren(dir: string, depth: number): Promise<void> {
  if (depth > MAX_DEPTH) throw new TsrunError('ERR_TSRUN_HOST', 'cgroups are nested too deeply to be removed');
  const handle = await unlessGone(open(dir, 'r'));
  if (handle === undefined) return;
  try {
    for (const name of await childNames(handle)) {
      const child = `${pathOf(handle)}/${name}`;
      if (await removedOrBusy(child)) continue;
      await removeChildren(child, depth + 1);
      await removedOrBusy(child);
    }
  } finally {
    await handle.close();
  }
}

async function childNames(handle: FileHandle): Promise<string[]> {
  const entries = (await unlessGone(readEntries(pathOf(handle)))) ?? [];
  return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
}

function pathOf(handle: FileHandle): string {
  return `/proc/self/fd/${handle.fd}`;
}

/** The kernel marks each change of cgroup.events as a modification (cgroups(7)); the file is read again at each one. */
async function waitForState(dir: string, reached: (state: CgroupState) => boolean, verb: string, options: WaitOptions): Promise<void> {
  if (await isReached(dir, reached)) return;
  let watcher: ReturnType<typeof watch>;
  try {
    watcher = watch(`${dir}/cgroup.events`);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return;
    throw cannotWatch(error);
  }
  let timer: NodeJS.Timeout | undefined;
  let again: NodeJS.Timeout | undefined;
  await new Promise<void>((resolve, reject) => {
    const look = () => {
      isReached(dir, reached).then((done) => {
        if (done) resolve();
      }, reject);
    };
    const lookTwice = () => {
      look();
      clearTimeout(again);
      again = setTimeout(look, HELD_BACK_MS);
    };
    timer = setTimeout(() => { reject(notInTime(dir, verb)); }, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    watcher.on('change', lookTwice);
    watcher.on('error', (error) => { reject(cannotWatch(error)); });
    // it may have changed between the first look and the watch
    lookTwice();
  }).finally(() => {
    clearTimeout(timer);
    clearTimeout(again);
    watcher.close();
  });
}

/** A cgroup that is gone has reached everything that one can wait for. */
async function isReached(dir: string, reached: (state: CgroupState) => boolean): Promise<boolean> {
  const state = await cgroupState(dir);
  return state === undefined || reached(state);
}

async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (errnoName(error) === 'ENOENT' || errnoName(error) === 'ENODEV') return undefined;
    throw error;
  }
}

function notInTime(dir: string, verb: string): TsrunError {
  return new TsrunError('ERR_TSRUN_HOST', `the cgroup '${dir}' did not ${verb} in time`, {
    hint: 'a process in it may wait in the kernel (state D), look at its stack in /proc/<pid>/stack',
  });
}

function cannotWatch(cause: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_HOST', `cannot watch a cgroup: ${errnoName(cause) ?? String(cause)}`, {
    hint: 'raise the sysctl fs.inotify.max_user_watches or fs.inotify.max_user_instances',
    cause,
  });
}
