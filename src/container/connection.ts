/** Connections to launchers: the runtime's own, and those of containers that other processes started. */
import { join } from 'node:path';
import { Launcher } from '../engine/launcher.js';
import type { NativeFiles } from '../engine/addon.js';
import { TsrunError } from '../spec/errors.js';
import type { StateRoot } from './state-root.js';

/** A launcher and the name by which records and ranges refer to it. */
export interface NamedLauncher {
  readonly launcher: Launcher;
  readonly name: string;
}

/** The launcher of containers that survive: one for all processes that share a state root. */
const survivorName = 'survivor';

export async function startLauncher(native: NativeFiles, root: StateRoot, rootless: boolean): Promise<NamedLauncher> {
  const name = root.newLauncherName();
  const launcher = await start(native, rootless);
  await launcher.listen(root.launcherPath(name));
  return { launcher, name };
}

/** The launcher that outlives its clients: the one that is there, else a new one. */
export async function joinSurvivor(native: NativeFiles, root: StateRoot, rootless: boolean): Promise<NamedLauncher> {
  const path = root.launcherPath(survivorName);
  for (let attempt = 0; attempt < 3; attempt++) {
    const existing = tryConnect(native, path);
    if (existing !== undefined) return { launcher: existing, name: survivorName };
    const launcher = await start(native, rootless);
    try {
      await launcher.listen(path);
      return { launcher, name: survivorName };
    } catch {
      // Somebody else was quicker, or a dead one left its socket: `gc` removed that when the root was opened.
      launcher.close();
    }
  }
  throw new TsrunError('ERR_TSRUN_HOST', `no launcher could be started at '${path}'`, { hint: 'run tsrun gc, and look who owns that file' });
}

async function start(native: NativeFiles, rootless: boolean): Promise<Launcher> {
  const launcher = Launcher.start(native, rootless);
  if (!rootless) return launcher;
  const { mapLauncher } = await import('./rootless.js');
  try {
    await mapLauncher(launcher);
    return launcher;
  } catch (error) {
    launcher.close();
    throw error;
  }
}

export function connectTo(native: NativeFiles, root: StateRoot, name: string): Launcher {
  const launcher = tryConnect(native, join(root.launchersPath, name));
  if (launcher !== undefined) return launcher;
  throw new TsrunError('ERR_TSRUN_LAUNCHER_LOST', 'the launcher of this container is gone', { hint: 'tsrun gc removes what it left' });
}

function tryConnect(native: NativeFiles, path: string): Launcher | undefined {
  try {
    return Launcher.connect(native, path);
  } catch {
    return undefined;
  }
}
