import { constants } from 'node:os';
import { killCgroup, removeCgroup } from '../cgroups.js';
import type { Command } from '../command.js';
import { host } from '../platform/host.js';
import { signalProcess } from '../processes.js';
import { RuntimeError } from '../runtime-error.js';
import { StateFolder, type ContainerRecord } from '../state.js';
import { statusOf } from '../status.js';

const readable = 1;
const mostWaitMs = 10_000;

export const deleteContainer: Command = {
  flags: { force: { kind: 'flag', short: 'f' } },
  argumentCount: 1,
  run: ({ settings }, { rest: [id = ''], flags }) => {
    const folder = new StateFolder(settings.root, id);
    const force = flags.has('force');
    try {
      folder.lock();
      remove(folder, folder.read(), force);
    } catch (error) {
      // As runc has it: what is not there need not be removed.
      if (!force || !RuntimeError.is(error) || error.message !== 'container does not exist') throw error;
    }
    return 0;
  },
};

function remove(folder: StateFolder, record: ContainerRecord, force: boolean): void {
  const status = statusOf(folder, record);
  // A created one runs nothing of the user's yet.
  if (status !== 'stopped' && status !== 'creating' && status !== 'created' && !force) {
    throw new RuntimeError(`cannot delete container ${record.id} that is not stopped: ${status}`);
  }
  killInit(record);
  killCgroup(record.cgroup);
  removeCgroup(record.cgroup);
  folder.remove();
}

function killInit({ init }: ContainerRecord): void {
  if (init === undefined) return;
  let process: number;
  try {
    process = host.openProcess(init.pid);
  } catch {
    return;
  }
  if (signalProcess(init, constants.signals['SIGKILL'] ?? 9)) host.awaitEvents(process, readable, mostWaitMs);
  host.close(process);
}
