import type { Command } from '../command.js';
import { print } from '../log.js';
import { describeState } from '../describe-state.js';
import { StateFolder } from '../state.js';

export const state: Command = {
  says: 'print the state of a container',
  usage: '<container-id>',
  flags: {},
  argumentCount: 1,
  run: ({ settings }, { rest: [id = ''] }) => {
    const folder = new StateFolder(settings.root, id);
    print(1, `${JSON.stringify(describeState(folder, folder.read()), null, 2)}\n`);
    return 0;
  },
};
