/** What stands in the way on this host: everything that `diagnose` can say, and whether a launcher starts at all. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { loadNative, type NativeFiles } from '../engine/addon.js';
import type { Launcher } from '../engine/launcher.js';
import { gatherDoctorFacts, type FolderToCheck, type IdmapProbe } from '../host/doctor-facts.js';
import { diagnose } from '../host/doctor.js';
import { stateTopic } from '../host/doctor-storage.js';
import type { HostFacts } from '../host/facts.js';
import { good, obstacle, type Finding } from '../host/finding.js';
import { probeHost } from '../host/probe.js';
import { workingDirectory } from '../host/working-directory.js';
import { systemErrorName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';
import type { ExamineOptions } from './options/call-options.js';
import { start } from './connection.js';
import { checkFolder } from './state/make-folder.js';
import { parseMountinfo } from '../host/proc-files.js';
import { defaultStateRoot, stateRootToBe } from './state/state-root.js';
import { defaultImageRoot } from './state/image-root.js';
import { validateExamineOptions } from './options/validate-calls.js';

/** What `tsrun doctor` prints, as data. */
export interface Examination {
  /** What was found out of the host, as data. */
  readonly host: HostFacts;
  /** One answer a topic, for people: what this host can do, what each lack costs and how to change it. */
  readonly findings: readonly Finding[];
  /** Nothing stands in the way of `run` with default options. */
  readonly ready: boolean;
}

/**
 * Looks and tries; leaves nothing behind. A launcher is started and ended.
 *
 * @example
 * import { examineHost } from 'tsrun';
 * const { ready, findings } = await examineHost();
 * if (!ready) for (const finding of findings) if (finding.ok !== 'yes') console.error(finding.topic, finding.text);
 */
export async function examineHost(options: ExamineOptions = {}): Promise<Examination> {
  validateExamineOptions(options);
  const native = tryNative();
  const host = probeHost('native' in native ? { native: native.native.addon } : {});
  const idmap = 'native' in native ? idmapProbe(native.native) : undefined;
  const more = gatherDoctorFacts({
    stateRoot: options.root ?? stateRootToBe(host.uid),
    folders: options.folders ?? imageFolders(idmap),
    ...(idmap !== undefined && { idmap }),
  });
  const own = 'native' in native ? [good('native part', 'addon and launcher are there'), await launcherFinding(native.native, host)] : [native.finding];
  const findings = withState(own, diagnose(host, more), stateObstacle(options.root, host.uid));
  return { host, findings, ready: !findings.some((finding) => finding.ok !== 'yes' && finding.blocks === true) };
}

/** What state lies on does not matter where there is no folder for it. */
function withState(own: readonly Finding[], others: readonly Finding[], obstructed: Finding | undefined): Finding[] {
  if (obstructed === undefined) return [...own, ...others];
  return [...own, obstructed, ...others.filter(({ topic }) => topic !== obstructed.topic)];
}

/** What `Runtime.open` would say of the folder for runtime state, where it would refuse it. */
function stateObstacle(root: string | undefined, uid: number): Finding | undefined {
  try {
    checkFolder(root ?? defaultStateRoot(uid, process.env));
    return undefined;
  } catch (error) {
    if (!TsrunError.is(error)) throw error;
    return obstacle(stateTopic, { text: error.message, cost: 'nothing starts', remedy: error.hint ?? 'choose another folder with TSRUN_ROOT' });
  }
}

function tryNative(): { readonly native: NativeFiles } | { readonly finding: Finding } {
  try {
    return { native: loadNative() };
  } catch (error) {
    if (!TsrunError.is(error)) throw error;
    return { finding: obstacle('native part', { text: error.message, cost: 'nothing starts', remedy: error.hint ?? 'install the package again' }) };
  }
}

async function launcherFinding(native: NativeFiles, host: HostFacts): Promise<Finding> {
  const fault = await launcherFault(native, host.uid !== 0);
  if (fault === undefined) return good('launcher', 'starts and answers');
  return obstacle('launcher', {
    text: `does not start: ${fault}`,
    cost: 'nothing starts',
    remedy: 'look below for what is missing: it needs mount namespaces, a new procfs and sysfs, and for an ordinary user subordinate ids',
  });
}

async function launcherFault(native: NativeFiles, rootless: boolean): Promise<string | undefined> {
  let launcher: Launcher | undefined;
  try {
    launcher = await start(native, rootless);
    return (await launcher.isAlive()) ? undefined : 'it does not answer';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    launcher?.close();
  }
}

function idmapProbe({ addon }: NativeFiles): IdmapProbe {
  return (path) => {
    const errno = addon.idmapProbe(path);
    return errno === 0 ? { ok: true } : { ok: false, errno: systemErrorName(errno) };
  };
}

/** Where images usually are; where none of that can be id-mapped, also a place where it can be. */
function imageFolders(idmap: IdmapProbe | undefined): FolderToCheck[] {
  const usual = usualFolders();
  if (idmap === undefined || usual.some(({ path }) => idmap(nearestExisting(path)).ok)) return usual;
  const other = mountPoints().find((path) => idmap(path).ok);
  return other === undefined ? usual : [...usual, { label: 'another file system', path: other }];
}

/** Memory and the kernel's own file systems hold no images; a host may have thousands of mounts. */
const diskTypes: ReadonlySet<string> = new Set(['ext4', 'xfs', 'btrfs', 'f2fs', 'bcachefs', 'erofs', 'squashfs']);
const mostMounts = 32;

function mountPoints(): string[] {
  const mounts = parseMountinfo(readFileSync('/proc/self/mountinfo', 'utf8')).filter(({ type }) => diskTypes.has(type));
  return mounts.slice(0, mostMounts).map(({ point }) => point);
}

/** Nothing that one which was removed could tell. */
function workingFolder(): FolderToCheck[] {
  try {
    return [{ label: 'working directory', path: workingDirectory() }];
  } catch {
    return [];
  }
}

/** The image store is made when the first image comes. */
function nearestExisting(path: string): string {
  let existing = path;
  while (existing !== dirname(existing) && !existsSync(existing)) existing = dirname(existing);
  return existing;
}

/** One of each file system: what holds for a folder holds for its neighbours. */
function usualFolders(): FolderToCheck[] {
  const candidates = [
    { label: 'image store', path: defaultImageRoot(process.geteuid?.() ?? 0, process.env) },
    ...workingFolder(),
    { label: 'home folder', path: homedir() },
    { label: 'variable data', path: '/var/lib' },
    { label: 'temporary files', path: tmpdir() },
  ];
  const seen = new Set<number>();
  return candidates.filter(({ path }) => {
    const device = statSync(nearestExisting(path), { throwIfNoEntry: false })?.dev;
    if (device === undefined || seen.has(device)) return false;
    seen.add(device);
    return true;
  });
}
