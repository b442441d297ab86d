/** Takes away all that was made for a container, whatever became of the command that made it. */
import { constants } from 'node:os';
import { killCgroup, removeCgroup } from './cgroups.js';
import { runLastHooks } from './hooks.js';
import { logWarning } from './log.js';
import { host, readable } from './platform/host.js';
import { signalProcess } from './processes.js';
import { removeResctrlGroup } from './resctrl.js';
import { RuntimeError } from './runtime-error.js';
import { clearDrafts, type ContainerRecord, type StateFolder } from './state.js';
import { statusOf } from './status.js';
import { systemd } from './systemd-module.js';

const mostWaitMs = 10_000;
/** Of these nothing of the user's runs. */
const removable = ['creating', 'created', 'stopped'];

/** By `force` also one that runs; and one that is not there is none that need be removed, as runc has it. */
export function removeContainer(folder: StateFolder, force: boolean): void {
  if (force) clearDrafts(folder.root, folder.id);
  try {
    folder.lock();
    remove(folder, folder.read(), force);
  } catch (error) {
    if (!force || !RuntimeError.is(error) || error.message !== 'container does not exist') throw error;
  }
}

function remove(folder: StateFolder, record: ContainerRecord, force: boolean): void {
  const status = statusOf(folder, record);
  if (!force && !removable.includes(status)) throw new RuntimeError(`cannot delete container ${record.id} that is not stopped: ${status}`);
  removeAll(folder, record);
}

/** And calls the hooks that come after the end. */
export function removeAll(folder: StateFolder, record: ContainerRecord): void {
  const { init, unit } = record;
  const cgroup = wholeCgroup(record);
  killInit(init);
  killCgroup(cgroup);
  if (unit !== undefined) stopUnit(unit);
  removeCgroup(cgroup);
  if (record.resctrl !== undefined) removeResctrlGroup(record.resctrl);
  folder.remove();
  runLastHooks(record);
}

/** The container's own may lie in that of its unit (`run.oci.systemd.subgroup`). */
function wholeCgroup({ cgroup, unit }: ContainerRecord): string {
  const parts = cgroup.split('/');
  return unit === undefined ? cgroup : parts.slice(0, parts.indexOf(unit) + 1).join('/');
}

/** It goes by itself when it is empty; what it may have been told besides goes with it. */
function stopUnit(unit: string): void {
  try {
    systemd().stop(unit);
  } catch (error) {
    if (!RuntimeError.is(error)) throw error;
    logWarning(`systemd did not end ${unit}: ${error.message}`);
  }
}

function killInit(init: ContainerRecord['init']): void {
  if (init === undefined) return;
  let process: number;
  try {
    process = host.openProcess(init.pid);
  } catch {
    return;
  }
  if (signalProcess(init, constants.signals.SIGKILL)) host.awaitEvents(process, readable, mostWaitMs);
  host.close(process);
}
