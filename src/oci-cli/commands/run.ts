import type { Command } from '../command.js';
import { createContainer, letGo, type Created } from '../create-container.js';
import { watchToItsEnd } from '../foreground.js';
import { host } from '../platform/host.js';
import { removeContainer } from '../remove-container.js';
import { startContainer } from '../start-container.js';
import type { FlagTable } from '../words.js';
import { createFlags, createRequest } from './create.js';

const flags: FlagTable = { ...createFlags, detach: { kind: 'flag', short: 'd' }, keep: { kind: 'flag' } };

export const run: Command = {
  flags,
  argumentCount: 1,
  run: ({ settings }, words) => {
    const detach = words.flags.has('detach');
    const created = createContainer({ ...createRequest(settings, words), keepsTerminal: !detach });
    if (!detach) return runToItsEnd(created, words.flags.has('keep'));
    letGo(created);
    startContainer(created.folder);
    return 0;
  },
};

function runToItsEnd({ folder, launcher, pid, terminal }: Created, keep: boolean): number {
  host.takeSignals();
  launcher.start();
  startContainer(folder);
  folder.unlock();
  const status = watchToItsEnd(launcher, pid, terminal);
  launcher.close();
  if (!keep) removeContainer(folder, true);
  return status;
}
