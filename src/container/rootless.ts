/**
 * An ordinary user's launcher: it waits in a user namespace of its own until newuidmap(1) and newgidmap(1), which alone
 * may map more than the user's own id, have written its maps. Inside, root is the user, and the other ids are the user's
 * subordinate ones.
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { NativeFiles } from '../engine/addon.js';
import { Launcher } from '../engine/launcher.js';
import type { IdRange } from '../host/id-ranges.js';
import { TsrunError } from '../spec/errors.js';
import { subordinateRange } from './ids/subordinate.js';

const run = promisify(execFile);

/** @throws TsrunError `ERR_TSRUN_HOST` */
export async function startMapped(native: NativeFiles): Promise<Launcher> {
  let launcher: Launcher | undefined;
  try {
    launcher = Launcher.start(native, true);
    await mapLauncher(launcher);
    return launcher;
  } catch (cause) {
    launcher?.close();
    if (!TsrunError.is(cause) || cause.code !== 'ERR_TSRUN_LAUNCHER_LOST') throw cause;
    // It says nothing before it has a user namespace and its own mounts there, which is what a host may forbid.
    throw new TsrunError('ERR_TSRUN_HOST', 'the launcher ended as it began: most likely this user may not make user namespaces', { cause, hint: 'tsrun doctor says who forbids them' });
  }
}

async function mapLauncher(launcher: Launcher): Promise<void> {
  const { pid, awaitsMaps } = await launcher.ready;
  if (!awaitsMaps) return;
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  await writeMap('newuidmap', pid, uid, subordinateRange('/etc/subuid'));
  await writeMap('newgidmap', pid, gid, subordinateRange('/etc/subgid'));
  await launcher.mapped();
}

async function writeMap(program: string, pid: number, own: number, { start, size }: IdRange): Promise<void> {
  try {
    await run(program, [pid, 0, own, 1, 1, start, size].map(String));
  } catch (cause) {
    throw new TsrunError('ERR_TSRUN_HOST', `${program} did not map the user's subordinate ids`, {
      cause,
      hint: 'install the package uidmap; see tsrun doctor for what may forbid user namespaces',
    });
  }
}
