/** Connections to launchers: the runtime's own, and those of containers that other processes started. */
import { Launcher } from '../engine/launcher.js';
import { saysDead, type NativeFiles } from '../engine/addon.js';
import { TsrunError } from '../spec/errors.js';
import type { StateRoot } from './state/state-root.js';

/** A launcher and the name by which records and ranges refer to it. */
export interface NamedLauncher {
  readonly launcher: Launcher;
  readonly name: string;
}

/**
 * Launchers of containers that survive. Each has a name of its own: one that comes after a dead one of the same name could
 * be taken for dead as well.
 */
const survivorPrefix = 'survivor-';

/** Others find the launcher from now on, by the name that it gets. */
export async function nameLauncher(starting: Promise<Launcher>, root: StateRoot, prefix = ''): Promise<NamedLauncher> {
  const name = `${prefix}${root.newLauncherName()}`;
  const launcher = await starting;
  const path = root.launcherPath(name);
  try {
    await launcher.listen(path);
  } catch (cause) {
    launcher.close();
    if (!TsrunError.is(cause) || cause.code !== 'ERR_TSRUN_STATE') throw cause;
    throw new TsrunError('ERR_TSRUN_HOST', `no socket can be made at '${path}': ${cause.message}`, { hint: 'set TSRUN_ROOT to a folder on a tmpfs or disk of your own', cause });
  }
  return { launcher, name };
}

/** A launcher that outlives its clients, shared by all processes on the state root: the one that is there, else a new one. */
export async function joinSurvivor(native: NativeFiles, root: StateRoot, rootless: boolean): Promise<NamedLauncher> {
  for (const name of root.launcherNames().filter((each) => each.startsWith(survivorPrefix))) {
    const launcher = await join(native, root.launcherPath(name));
    if (launcher !== undefined) return { launcher, name };
  }
  return nameLauncher(start(native, rootless), root, survivorPrefix);
}

/** Undefined when it is gone, or about to be (it ends with its last container), or takes no connection now. */
async function join(native: NativeFiles, path: string): Promise<Launcher | undefined> {
  const launcher = tryConnect(native, path);
  if (launcher === undefined) return undefined;
  try {
    await answered(launcher.ready, `the launcher at '${path}'`);
    return launcher;
  } catch {
    launcher.close();
    return undefined;
  }
}

/** One that nobody else can find: it was not told to listen. */
export async function start(native: NativeFiles, rootless: boolean): Promise<Launcher> {
  if (!rootless) return Launcher.start(native, false);
  const { startMapped } = await import('./rootless.js');
  return startMapped(native);
}

/** A launcher answers within microseconds; one that is stopped, or stuck in a file system that is, must not hold up everybody. */
const answerMs = 10_000;

/** @throws ERR_TSRUN_STATE when `what` says nothing in time */
export async function answered<T>(answer: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new TsrunError('ERR_TSRUN_STATE', `${what} has not answered for ${answerMs / 1000} seconds`, { hint: 'is it stopped (SIGSTOP)? tsrun rm -f ends a container by its cgroup alone' }));
    }, answerMs);
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
    answer.catch(() => undefined);
  }
}

export function connectTo(native: NativeFiles, root: StateRoot, name: string): Launcher {
  try {
    return Launcher.connect(native, root.launcherPath(name));
  } catch (cause) {
    if (saysDead(cause)) throw new TsrunError('ERR_TSRUN_LAUNCHER_LOST', 'the launcher of this container is gone', { hint: 'tsrun gc removes what it left' });
    throw new TsrunError('ERR_TSRUN_STATE', 'the launcher of this container takes no connection now', { hint: 'it is busy or stopped, or too many files are open: try again', cause });
  }
}

function tryConnect(native: NativeFiles, path: string): Launcher | undefined {
  try {
    return Launcher.connect(native, path);
  } catch {
    return undefined;
  }
}
