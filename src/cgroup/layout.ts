/**
 * The cgroup that all of tsrun's lie in, with every controller handed down to it. A cgroup that holds processes cannot hand
 * down controllers (cgroups(7), "no internal processes"). The only process that is ever moved out of the way is the calling
 * one, when it is alone there, as systemd asks of whom it delegates a cgroup to; else the lack is reported.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { CgroupFacts } from '../host/facts.js';
import { joinCgroup, supervisorName } from '../host/probe-cgroup.js';
import { errnoName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';
import { depthFile, handDownWords } from './base-files.js';

/** A controller that the host has on v2 and that did not reach the base. */
export interface WithheldController {
  readonly controller: string;
  /** The cgroup that does not hand it down, as a path under the v2 mount. */
  readonly cgroup: string;
  readonly reason: string;
}

export interface PreparedBase {
  /** The facts as they are now: `controllers` is what containers really get, `files` what their cgroups hold. */
  readonly cgroup: CgroupFacts;
  readonly withheld: readonly WithheldController[];
}

/** Somebody else's clean-up may remove the base as long as it is empty; the launcher makes it again in the end. */
const MAX_ATTEMPTS = 16;

/** The folder of all containers' cgroups; undefined where none can be made. */
export function cgroupBase({ root, base, writable }: CgroupFacts): string | undefined {
  return writable && base !== '' ? `${root}${base}` : undefined;
}

/**
 * Makes the base cgroup and hands all available controllers down to it. Two quick reads when that is already so.
 *
 * @throws ERR_TSRUN_HOST where it cannot be made
 */
export function prepareBase(cgroup: CgroupFacts): PreparedBase {
  if (cgroup.base === '' || !cgroup.writable) return { cgroup, withheld: [] };
  const base = joinCgroup(cgroup.root, cgroup.base);
  const there = lookAt(base);
  if (there !== undefined && cgroup.controllers.every((controller) => there.controllers.includes(controller))) {
    return { cgroup: { ...cgroup, files: there.files }, withheld: [] };
  }
  let before: Look | undefined;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const withheld = preparePath(cgroup.root, cgroup.base, cgroup.controllers);
    const made = lookAt(base);
    // One that is removed meanwhile seems to withhold all: that is believed when the same cgroup has done it from beginning to end.
    const isSure = withheld.length === 0 || made?.inode === before?.inode;
    if (made !== undefined && isSure) return { cgroup: { ...cgroup, controllers: made.controllers, files: made.files }, withheld };
    before = made;
  }
  throw new TsrunError('ERR_TSRUN_HOST', `the cgroup '${cgroup.base}' is removed as fast as it is made`, { hint: 'something on this host removes empty cgroups all the time: stop it' });
}

interface Look {
  /** Never the same for two cgroups (kernfs counts on). */
  readonly inode: bigint;
  /** That it hands down. */
  readonly controllers: readonly string[];
  readonly files: readonly string[];
}

/** Undefined when it is not there, or goes meanwhile. */
function lookAt(base: string): Look | undefined {
  const controllers = controlWords(`${base}/cgroup.subtree_control`);
  if (controllers === undefined) return undefined;
  try {
    return { inode: statSync(base, { bigint: true }).ino, controllers, files: readdirSync(base) };
  } catch {
    return undefined;
  }
}

/** The facts as far as they can be known without making the base: once it is there, also which files containers get. */
export function lookAtBase(cgroup: CgroupFacts): CgroupFacts {
  const there = cgroup.base === '' ? undefined : lookAt(joinCgroup(cgroup.root, cgroup.base));
  return there === undefined ? cgroup : { ...cgroup, files: there.files };
}

/**
 * Makes `path` and each missing cgroup above it, and hands `controllers` down from its parent and from itself. Levels
 * above the parent are touched only if the controllers do not reach it yet.
 */
export function preparePath(root: string, path: string, controllers: readonly string[]): WithheldController[] {
  const withheld = new Map<string, WithheldController>();
  let wanted = controllers;
  for (const level of levels(path)) {
    const folder = joinCgroup(root, level);
    if (level !== '/') makeCgroup(folder, level);
    const available = controlWords(`${folder}/cgroup.controllers`) ?? [];
    const { enabled, refused } = handDown(folder, level, wanted.filter((controller) => available.includes(controller)));
    for (const refusal of refused) withheld.set(refusal.controller, refusal);
    for (const controller of wanted) {
      if (enabled.includes(controller) || withheld.has(controller)) continue;
      withheld.set(controller, { controller, cgroup: level, reason: 'the cgroup above it does not hand it down' });
    }
    wanted = enabled;
  }
  return [...withheld.values()];
}

/** `/a/b` gives `/`, `/a`, `/a/b`. */
function levels(path: string): string[] {
  const found: string[] = [];
  for (let level = path; level !== '/' && level !== '.'; level = dirname(level)) found.unshift(level);
  return ['/', ...found];
}

function makeCgroup(folder: string, level: string): void {
  try {
    mkdirSync(folder, 0o755);
  } catch (error) {
    if (errnoName(error) === 'EEXIST') return;
    throw new TsrunError('ERR_TSRUN_HOST', `cannot make the cgroup '${level}': ${errnoName(error) ?? String(error)}`, {
      hint: 'run as root, or delegate a cgroup to this user (systemd: Delegate=yes)',
      cause: error,
    });
  }
  // best effort: the bound is a second line of defence, and the file is always there on the kernels that tsrun runs on
  writeControl(`${folder}/${depthFile.file}`, depthFile.value);
}

interface HandedDown {
  readonly enabled: readonly string[];
  readonly refused: readonly WithheldController[];
}

function handDown(folder: string, level: string, wanted: readonly string[]): HandedDown {
  const file = `${folder}/cgroup.subtree_control`;
  const before = controlWords(file) ?? [];
  const absent = wanted.filter((controller) => !before.includes(controller));
  if (absent.length === 0) return { enabled: wanted, refused: [] };
  const refused = holdsProcesses(folder) && !moveAside(folder) ? refuseAll(absent, level) : enableEach(file, level, absent);
  const lost = new Set(refused.map((refusal) => refusal.controller));
  return { enabled: wanted.filter((controller) => !lost.has(controller)), refused };
}

/**
 * Asked before trying: in a populated cgroup the kernel refuses memory and io with EBUSY, but takes a list of nothing
 * but cpu, pids and cpuset, makes it a threaded root, and then no container can start below it. The host's root cgroup
 * is exempt; it alone has no cgroup.events (a cgroup namespace's `/` has one).
 */
function holdsProcesses(folder: string): boolean {
  try {
    return existsSync(`${folder}/cgroup.events`) && readFileSync(`${folder}/cgroup.procs`, 'utf8') !== '';
  } catch {
    return false;
  }
}

/** Only this process is there: it moves to a leaf beside the base. Its launchers, which it starts later, are born there. */
function moveAside(folder: string): boolean {
  const own = String(process.pid);
  if (controlWords(`${folder}/cgroup.procs`)?.join() !== own) return false;
  try {
    mkdirSync(`${folder}/${supervisorName}`, { recursive: true, mode: 0o755 });
  } catch {
    return false;
  }
  return writeControl(`${folder}/${supervisorName}/cgroup.procs`, own) === undefined && !holdsProcesses(folder);
}

function refuseAll(controllers: readonly string[], level: string): WithheldController[] {
  return controllers.map((controller) => ({ controller, cgroup: level, reason: 'EBUSY: the cgroup itself holds processes' }));
}

/** All at once is one write; when that fails, one by one tells which controller it was. */
function enableEach(file: string, level: string, controllers: readonly string[]): WithheldController[] {
  if (writeControl(file, handDownWords(controllers)) === undefined) return [];
  return controllers.flatMap((controller) => {
    const errno = writeControl(file, `+${controller}`);
    if (errno === undefined) return [];
    return [{ controller, cgroup: level, reason: errno === 'EBUSY' ? 'EBUSY: the cgroup itself holds processes' : errno }];
  });
}

/** The errno's name when the write failed. */
function writeControl(file: string, value: string): string | undefined {
  try {
    writeFileSync(file, value);
    return undefined;
  } catch (error) {
    return errnoName(error) ?? String(error);
  }
}

function controlWords(file: string): string[] | undefined {
  try {
    return readFileSync(file, 'utf8').split(/\s+/).filter((word) => word !== '');
  } catch {
    return undefined;
  }
}
