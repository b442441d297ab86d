/** A container's cgroup by its path: where it is, who is in it, and its end. */
import { joinCgroup } from '../host/probe-cgroup.js';
import { systemReader } from '../host/reader.js';
import { errnoName } from '../spec/errno.js';
import { asNode, existsSync, readdirSync, statSync, writeFileSync } from './platform/fs.js';
import { constants } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

const priorityEvent = 2;
/** The kernel ends killed processes within milliseconds; one that hangs in a broken file system may never end. */
const mostWaitMs = 10_000;
const directoryBits = 0o170000;
const directory = 0o040000;

export function processesIn(cgroup: string): number[] {
  if (!existsSync(cgroup)) return [];
  const own = (systemReader.read(joinCgroup(cgroup, '/', 'cgroup.procs')) ?? '').split('\n').filter((line) => line !== '').map(Number);
  return [...own, ...childrenOf(cgroup).flatMap((child) => processesIn(child))];
}

function childrenOf(cgroup: string): string[] {
  return readdirSync(cgroup).map((name) => `${cgroup}/${name}`).filter((path) => isFolder(path));
}

function isFolder(path: string): boolean {
  try {
    return (statSync(path).mode & directoryBits) === directory;
  } catch {
    return false;
  }
}

/** Kills all that is in it, and waits until that is gone. A frozen one is thawed: in a frozen cgroup nobody dies of a pid namespace's end. */
export function killCgroup(cgroup: string): void {
  if (cgroup === '' || !existsSync(cgroup)) return;
  thaw(cgroup);
  writeFileSync(`${cgroup}/cgroup.kill`, '1');
  const events = asNode(cgroup, () => host.open(`${cgroup}/cgroup.events`, constants.O_RDONLY, 0));
  const until = Date.now() + mostWaitMs;
  while (isPopulated(cgroup) && Date.now() < until) {
    host.read(events, 256);
    if (isPopulated(cgroup)) host.awaitEvents(events, priorityEvent, until - Date.now());
  }
  host.close(events);
}

function isPopulated(cgroup: string): boolean {
  return (systemReader.read(`${cgroup}/cgroup.events`) ?? '').includes('populated 1');
}

export function freeze(cgroup: string): void {
  writeFileSync(`${cgroup}/cgroup.freeze`, '1');
}

export function thaw(cgroup: string): void {
  if (existsSync(`${cgroup}/cgroup.freeze`)) writeFileSync(`${cgroup}/cgroup.freeze`, '0');
}

export function isFrozen(cgroup: string): boolean {
  return cgroup !== '' && systemReader.read(`${cgroup}/cgroup.freeze`)?.trim() === '1';
}

/** With what the container may have made in it. */
export function removeCgroup(cgroup: string): void {
  if (cgroup === '' || !existsSync(cgroup)) return;
  for (const child of childrenOf(cgroup)) removeCgroup(child);
  try {
    asNode(cgroup, () => {
      host.removeFolder(cgroup);
    });
  } catch (error) {
    if (errnoName(error) !== 'ENOENT') throw new RuntimeError(`cgroup ${cgroup} cannot be removed: ${errnoName(error) ?? String(error)}`);
  }
}
