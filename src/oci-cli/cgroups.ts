/** A container's cgroup by its path: where it is, who is in it, and its end. */
import { systemReader } from '../host/reader.js';
import { errnoName } from '../spec/errno.js';
import { asNode, constants, existsSync, readdirSync, statSync, writeFileSync } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

const priorityEvent = 2;
const mostEventBytes = 1024;
/** poll(2) takes an int. */
const mostPollMs = 2_000_000_000;
/** The kernel ends killed processes within milliseconds; one that hangs in a broken file system may never end. */
const mostWaitMs = 10_000;
/** Of who comes in while those that were there are dying the kernel does not tell. */
const newcomersMs = 50;
const directoryBits = 0o170000;
const directory = 0o040000;

export function processesIn(cgroup: string): number[] {
  if (!existsSync(cgroup)) return [];
  const own = (systemReader.read(`${cgroup}/cgroup.procs`) ?? '').split('\n').filter((line) => line !== '').map(Number);
  return [...own, ...childrenOf(cgroup).flatMap((child) => processesIn(child))];
}

function childrenOf(cgroup: string): string[] {
  return namesIn(cgroup).map((name) => `${cgroup}/${name}`).filter((path) => isFolder(path));
}

/** None where it goes meanwhile: systemd removes cgroups as well. */
function namesIn(cgroup: string): string[] {
  try {
    return readdirSync(cgroup);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw error;
  }
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
  const until = Date.now() + mostWaitMs;
  do {
    thaw(cgroup);
    writeIfThere(`${cgroup}/cgroup.kill`, '1');
  } while (!awaitEvent(cgroup, 'populated 0', newcomersMs) && Date.now() < until);
}

/** Whether `cgroup.events` came to say so in time; the kernel tells of each change (poll(2), POLLPRI). */
function awaitEvent(cgroup: string, wanted: string, timeoutMs = mostWaitMs): boolean {
  const says = () => (systemReader.read(`${cgroup}/cgroup.events`) ?? wanted).includes(wanted);
  if (says()) return true;
  const until = Date.now() + timeoutMs;
  while (Date.now() < until) {
    const seen = lookForChanges([`${cgroup}/cgroup.events`]);
    if (!says()) awaitChange(seen, until - Date.now());
    if (says()) return true;
  }
  return false;
}

/** Files of cgroups, by descriptors that know what stands in them now: the next change is seen against that. Those that are not there are left out. */
export function lookForChanges(paths: readonly string[]): number[] {
  return paths.flatMap((path) => {
    try {
      const file = host.open(path, constants.O_RDONLY, 0);
      host.read(file, mostEventBytes);
      return [file];
    } catch {
      return [];
    }
  });
}

/** Whether one of them changed in time. They are no good after that: only what is read from the beginning is what the next change is seen against. */
export function awaitChange(seen: readonly number[], timeoutMs: number): boolean {
  const changed = host.awaitAnyEvent(seen, priorityEvent, Math.min(Math.max(timeoutMs, 0), mostPollMs)) >= 0;
  for (const file of seen) host.close(file);
  return changed;
}

/** @throws RuntimeError when not all of it stands still in time */
export function freeze(cgroup: string): void {
  writeFileSync(`${cgroup}/cgroup.freeze`, '1');
  if (!awaitEvent(cgroup, 'frozen 1')) throw new RuntimeError('unable to freeze');
}

export function thaw(cgroup: string): void {
  writeIfThere(`${cgroup}/cgroup.freeze`, '0');
}

/** A cgroup that is going has nobody left to be told: ENODEV where it goes between open and write. */
function writeIfThere(file: string, text: string): void {
  try {
    writeFileSync(file, text);
  } catch (error) {
    if (!['ENOENT', 'ENODEV'].includes(errnoName(error) ?? '')) throw error;
  }
}

/** Nobody lives in it or below. */
export function isEmpty(cgroup: string): boolean {
  return cgroup !== '' && (systemReader.read(`${cgroup}/cgroup.events`) ?? '').includes('populated 0');
}

export function isFrozen(cgroup: string): boolean {
  return cgroup !== '' && systemReader.read(`${cgroup}/cgroup.freeze`)?.trim() === '1';
}

/**
 * What is born below a frozen cgroup stands still before its first step, and who waits for it with it.
 *
 * @throws RuntimeError for a cgroup that would be made there, or is
 */
export function refuseBelowFrozen(cgroup: string): void {
  if (cgroup === '') return;
  if (!existsSync(cgroup)) refuseBelowFrozen(cgroup.slice(0, cgroup.lastIndexOf('/')));
  else if ((systemReader.read(`${cgroup}/cgroup.events`) ?? '').includes('frozen 1')) throw new RuntimeError(`cgroup ${cgroup} is frozen: nothing can start in it or below`);
}

/** With what the container may have made in it. Whoever was on the way in while all others were killed is killed as well. */
export function removeCgroup(cgroup: string): void {
  if (cgroup === '') return;
  const until = Date.now() + mostWaitMs;
  while (!isRemoved(cgroup)) {
    if (Date.now() >= until) throw new RuntimeError(`cgroup ${cgroup} cannot be removed: EBUSY`);
    killCgroup(cgroup);
  }
}

/** False where somebody is in it. */
function isRemoved(cgroup: string): boolean {
  if (!existsSync(cgroup)) return true;
  if (!childrenOf(cgroup).every((child) => isRemoved(child))) return false;
  try {
    asNode(cgroup, () => {
      host.removeFolder(cgroup);
    });
  } catch (error) {
    if (errnoName(error) === 'EBUSY') return false;
    if (errnoName(error) !== 'ENOENT') throw new RuntimeError(`cgroup ${cgroup} cannot be removed: ${errnoName(error) ?? String(error)}`);
  }
  return true;
}
