import type { Command } from '../command.js';
import { removeContainer } from '../remove-container.js';
import { StateFolder } from '../state.js';

export const deleteContainer: Command = {
  flags: { force: { kind: 'flag', short: 'f' } },
  argumentCount: 1,
  run: ({ settings }, { rest: [id = ''], flags }) => {
    removeContainer(new StateFolder(settings.root, id), flags.has('force'));
    return 0;
  },
};
