import { freeze, thaw } from '../cgroups.js';
import type { Command } from '../command.js';
import { RuntimeError } from '../runtime-error.js';
import { StateFolder } from '../state.js';
import { statusOf } from '../status.js';

export const pause: Command = {
  says: 'have all processes of a container stand still',
  usage: '<container-id>',
  flags: {},
  argumentCount: 1,
  run: ({ settings }, { rest: [id = ''] }) => {
    const { folder, record } = StateFolder.take(settings.root, id);
    const status = statusOf(folder, record);
    if (status !== 'running' && status !== 'created') throw new RuntimeError('container not running or created');
    if (record.cgroup === '') throw new RuntimeError('cannot pause a container that has no cgroup');
    try {
      freeze(record.cgroup);
    } catch (error) {
      thaw(record.cgroup);
      throw error;
    }
    return 0;
  },
};

export const resume: Command = {
  says: 'have the processes of a paused container go on',
  usage: '<container-id>',
  flags: {},
  argumentCount: 1,
  run: ({ settings }, { rest: [id = ''] }) => {
    const { folder, record } = StateFolder.take(settings.root, id);
    if (statusOf(folder, record) !== 'paused') throw new RuntimeError('container not paused');
    thaw(record.cgroup);
    return 0;
  },
};
