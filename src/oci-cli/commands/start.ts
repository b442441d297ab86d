import type { Command } from '../command.js';
import { awaitReady } from '../notices.js';
import { startContainer } from '../start-container.js';
import { StateFolder } from '../state.js';

export const start: Command = {
  says: 'execute the program of a created container',
  usage: '<container-id>',
  flags: {},
  argumentCount: 1,
  run: ({ settings }, { rest: [id = ''] }) => {
    const folder = new StateFolder(settings.root, id);
    folder.lock();
    const notices = startContainer(folder);
    // Others may work at it meanwhile.
    folder.unlock();
    awaitReady(notices);
    return 0;
  },
};
