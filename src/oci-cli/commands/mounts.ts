import type { Command } from '../command.js';
import { readJson } from '../json-input.js';
import { addMounts, removeMounts } from '../live-mounts.js';
import { RuntimeError } from '../runtime-error.js';
import { StateFolder } from '../state.js';
import { statusOf } from '../status.js';

const works = { add: addMounts, remove: removeMounts } as const;

/** Takes no lock, as `exec` takes none: a file system of the container's own on the way to a place may let this wait, and nobody else. */
export const mounts: Command = {
  says: 'add mounts to a container that is there, or remove some: an array of them as config.json has it, - for standard input',
  usage: 'add|remove <container-id> <file>',
  flags: {},
  argumentCount: 3,
  run: ({ settings }, { rest: [verb = '', id = '', file = ''] }) => {
    const work = Object.entries(works).find(([name]) => name === verb)?.[1];
    if (work === undefined) throw new RuntimeError(`mounts: ${JSON.stringify(verb)} is neither add nor remove`);
    const folder = new StateFolder(settings.root, id);
    const record = folder.read();
    const given = readJson(file);
    const { init } = record;
    if (init === undefined || statusOf(folder, record) === 'stopped') throw new RuntimeError('container not running');
    work({ record, init }, given);
    return 0;
  },
};
