/**
 * Undoes what a launcher left that was killed: with it died its containers (the kernel sees to that), so what is left is
 * records, cgroups, id ranges and its socket. What a live launcher holds is never touched. Runs whenever a state root is opened.
 */
import { existsSync, rmdirSync, rmSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { killAll, removeCgroup } from '../../cgroup/control.js';
import { saysDead, type Addon } from '../../engine/addon.js';
import type { CgroupFacts } from '../../host/facts.js';
import { TsrunError } from '../../spec/errors.js';
import { discard, readWhole, unlessDamaged } from './discard.js';
import { releaseRangesOf } from '../ids/id-ranges.js';
import { readIdMaps } from '../../host/joined-maps.js';
import { removeHalfFormations } from './formation-folders.js';
import { removeOrphans, removeUpper, upperOf, uppersOf } from './uppers.js';
import { releaseLinks, type Holder } from './links.js';
import { namesIn } from './names-in.js';
import { MountRecords } from '../mounts/mount-records.js';
import { doomedSuffix, type StateRoot } from './state-root.js';

/** What a garbage collection has removed. */
export interface Collected {
  /** Ids of containers of which something was removed. */
  readonly containers: readonly string[];
  /** Names of dead launchers whose sockets were removed. */
  readonly launchers: readonly string[];
}

export async function collectGarbage(root: StateRoot, addon: Addon, cgroup: CgroupFacts, imageRoot: string): Promise<Collected> {
  const alive = livenessTest(root, addon);
  const containers: string[] = [];
  // A container that survives its starter keeps the range that the starter reserved.
  const usedRanges = new Set<number>();
  let areKnown = true;
  for (const entry of root.entries()) {
    if (entry.startsWith('.') ? removeUnfinished(root, entry, alive) : await removeDead({ root, addon, alive, cgroup }, entry)) containers.push(entry);
    else {
      const ranges = rangesOf(root, entry);
      areKnown &&= ranges !== undefined;
      for (const start of ranges ?? []) usedRanges.add(start);
    }
  }
  if (areKnown) releaseRangesOf(root.rangesPath, alive, usedRanges);
  const launchers = root.launcherNames().filter((name) => !alive(name));
  for (const name of launchers) rmSync(root.launcherPath(name), { force: true });
  removeUnnamed(root);
  removeHalfFormations(root, addon);
  // What cannot be removed keeps nobody from starting, and is noted still.
  await releaseLinks(root, (holder) => isOver(root, holder)).catch(() => undefined);
  new MountRecords(root, addon).collect();
  for (const id of await removeOrphans(uppersOf(imageRoot), root, addon)) if (!containers.includes(id)) containers.push(id);
  return { containers, launchers };
}

/** Sockets of launchers that were killed in the moment between `bind` and the name that they get when they listen. */
function removeUnnamed(root: StateRoot): void {
  const longAgo = Date.now() - 2000;
  for (const name of namesIn(root.launchersPath).filter((each) => each.startsWith('.'))) {
    const path = root.launcherPath(name);
    if ((statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? longAgo) < longAgo) rmSync(path, { force: true });
  }
}

/** A launcher lives as long as its socket takes connections; the kernel closes that at its death. */
export function livenessTest(root: StateRoot, addon: Addon): (launcher: string) => boolean {
  const known = new Map<string, boolean>();
  return (launcher) => {
    let alive = known.get(launcher);
    if (alive === undefined) {
      alive = isLauncherAlive(root.launcherPath(launcher), addon);
      known.set(launcher, alive);
    }
    return alive;
  };
}

function isLauncherAlive(path: string, addon: Addon): boolean {
  try {
    addon.closeDescriptor(addon.connectLauncher(path));
    return true;
  } catch (error) {
    return !saysDead(error);
  }
}

/** `.<launcher>.<id>`: the launcher died between making the folder and giving it its name. Nothing else was begun. */
function removeUnfinished(root: StateRoot, entry: string, alive: (launcher: string) => boolean): boolean {
  const launcher = entry.split('.')[1] ?? '';
  // What is doomed is nobody's any more; who was removing it may have been killed, and the launcher need not know.
  if (!entry.endsWith(doomedSuffix) && alive(launcher)) return false;
  rmSync(root.containerPath(entry), { recursive: true, force: true });
  return true;
}

interface Surroundings {
  readonly root: StateRoot;
  readonly addon: Addon;
  readonly alive: (launcher: string) => boolean;
  readonly cgroup: CgroupFacts;
}

async function removeDead({ root, addon, alive, cgroup }: Surroundings, id: string): Promise<boolean> {
  // A record with an exit is one that was to be kept. Asked first: reading a record takes longer, and all that are kept
  // are passed by each time.
  if (hasEnded(root, id)) return false;
  const record = readWhole(root, id);
  if (record === undefined) return removeEmpty(root.containerPath(id)) || removeUnreadable({ root, addon, alive, cgroup }, id);
  if (alive(record.launcher)) return false;
  if (record.cgroup !== '' && existsSync(record.cgroup) && basename(record.cgroup).startsWith(id)) {
    await killAll(record.cgroup);
    await removeCgroup(record.cgroup);
  }
  const upper = upperOf(record.extensions);
  // What cannot be removed keeps nobody from starting; without a record it is found by its name.
  if (upper !== undefined) await removeUpper(upper, addon).catch(() => undefined);
  // Meanwhile another process may have removed it, and begun one of the same name.
  if (readWhole(root, id)?.cgroup === record.cgroup) root.removeContainer(record);
  return true;
}

/** One whose record cannot be read may live. */
function isOver(root: StateRoot, { id, createdAtMs }: Holder): boolean {
  const record = readWhole(root, id);
  return record === undefined ? !existsSync(root.containerPath(id)) : record.createdAtMs !== createdAtMs || hasEnded(root, id);
}

/** What no launcher has written says of no end. */
function hasEnded(root: StateRoot, id: string): boolean {
  return unlessDamaged(() => root.readExit(id)) !== undefined;
}

/** A launcher takes the record away before the folder. */
function removeEmpty(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Nobody can tell whose it is; when no launcher lives, it is no live one's. */
async function removeUnreadable({ root, addon, alive, cgroup }: Surroundings, id: string): Promise<boolean> {
  if (root.launcherNames().some(alive)) return false;
  try {
    await discard({ root, cgroup, addon }, id);
    return true;
  } catch (error) {
    // What cannot be told from another's stays, and keeps nobody from starting.
    if (TsrunError.is(error)) return false;
    throw error;
  }
}

/**
 * Where the ids of a container that lives, or is about to, begin on the host; as the kernel tells it where the record does not.
 * Undefined where nobody does.
 */
function rangesOf(root: StateRoot, id: string): number[] | undefined {
  if (id.startsWith('.') || hasEnded(root, id)) return [];
  const record = readWhole(root, id);
  const mappings = record === undefined ? readIdMaps(`/proc/${unlessDamaged(() => root.readPid(id)) ?? 'none'}`)?.uidMappings : (record.spec.linux?.uidMappings ?? []);
  return mappings?.map(({ hostID }) => hostID);
}
