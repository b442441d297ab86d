import { readSignal } from '../../spec/signals.js';
import { forEachChosen, regexFlag } from '../chosen.js';
import type { Command } from '../command.js';
import { isEmpty, killCgroup, processesIn } from '../cgroups.js';
import { ownsPids } from '../fields.js';
import { nameProcess, signalProcess } from '../processes.js';
import { RuntimeError } from '../runtime-error.js';
import { StateFolder, type ContainerRecord } from '../state.js';
import { statusOf } from '../status.js';

const sigkill = 9;

export const kill: Command = {
  says: 'send a signal (default: SIGTERM) to the first process of a container',
  usage: '<container-id> [signal]',
  flags: { all: { kind: 'flag', short: 'a', says: 'send it to all processes of the container' }, ...regexFlag },
  argumentCount: { least: 1, most: 2 },
  run: ({ settings }, words) => {
    const signal = signalNumber(words.rest[1] ?? 'SIGTERM');
    forEachChosen(settings.root, words, (id) => {
      const { folder, record } = StateFolder.take(settings.root, id);
      try {
        send(folder, record, signal, words.flags.has('all'));
      } finally {
        folder.unlock();
      }
    });
    return 0;
  },
};

function send(folder: StateFolder, record: ContainerRecord, signal: number, toAll: boolean): void {
  // Without a pid namespace of its own nothing else ends with its first process.
  if (toAll || (signal === sigkill && !ownsPids(record.spec) && record.cgroup !== '' && !isEmpty(record.cgroup))) killAll(record, signal);
  else if (statusOf(folder, record) === 'stopped' || record.init === undefined || !signalProcess(record.init, signal)) throw new RuntimeError('container not running');
}

/** Also of a container whose first process has ended: without a pid namespace of its own, others may live. */
function killAll({ cgroup }: ContainerRecord, signal: number): void {
  if (signal === sigkill) {
    killCgroup(cgroup);
    return;
  }
  for (const pid of processesIn(cgroup)) {
    try {
      signalProcess(nameProcess(pid), signal);
    } catch {
      // It ended meanwhile.
    }
  }
}

function signalNumber(word: string): number {
  // 0 asks whether it is there (kill(2)).
  const number = word === '0' ? 0 : readSignal(word);
  if (number === undefined) throw new RuntimeError(`unknown signal ${JSON.stringify(word)}`);
  return number;
}
