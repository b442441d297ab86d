import type { Command } from '../command.js';
import { createContainer, letGo, type Created } from '../create-container.js';
import { watchToItsEnd } from '../foreground.js';
import { host } from '../platform/host.js';
import { awaitReady, type Notices } from '../notices.js';
import { removeContainer } from '../remove-container.js';
import { startContainer } from '../start-container.js';
import type { FlagTable } from '../words.js';
import { createFlags, createRequest } from './create.js';

const flags: FlagTable = {
  ...createFlags,
  detach: { kind: 'flag', short: 'd', says: 'do not wait for the program\'s end' },
  keep: { kind: 'flag', says: 'do not delete the container when its program has ended' },
  'no-subreaper': { kind: 'flag', says: 'as always: tsrun-oci is never a subreaper for processes that the container leaves' },
};

export const run: Command = {
  says: 'create and run a container',
  usage: '<container-id>',
  flags,
  argumentCount: 1,
  run: (context, words) => {
    const detach = words.flags.has('detach');
    const keep = words.flags.has('keep');
    const created = createContainer({ ...createRequest(context, words), keepsTerminal: !detach });
    if (!detach) return runToItsEnd(created, keep);
    letGo(created);
    const notices = start(created, keep);
    created.folder.unlock();
    awaitReady(notices);
    return 0;
  },
};

/** Nobody would remove what could not be started. */
function start({ folder }: Created, keep: boolean): Notices {
  try {
    return startContainer(folder);
  } catch (error) {
    folder.unlock();
    if (!keep) removeContainer(folder, true);
    throw error;
  }
}

function runToItsEnd(created: Created, keep: boolean): number {
  const { folder, launcher, pid, terminal } = created;
  host.takeSignals();
  launcher.start();
  const { socket } = start(created, keep);
  folder.unlock();
  const status = watchToItsEnd(launcher, pid, terminal, socket);
  launcher.close();
  if (!keep) removeContainer(folder, true);
  return status;
}
