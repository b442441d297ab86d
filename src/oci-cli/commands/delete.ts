import { forEachChosen, regexFlag } from '../chosen.js';
import type { Command } from '../command.js';
import { removeContainer } from '../remove-container.js';
import { StateFolder } from '../state.js';

export const deleteContainer: Command = {
  says: 'delete a container and all that was made for it',
  usage: '<container-id>',
  flags: { force: { kind: 'flag', short: 'f', says: 'kill it first where it still runs; one that is not there is no error' }, ...regexFlag },
  argumentCount: 1,
  run: ({ settings }, words) => {
    forEachChosen(settings.root, words, (id) => {
      removeContainer(new StateFolder(settings.root, id), words.flags.has('force'));
    });
    return 0;
  },
};
