import { constants } from 'node:os';
import type { Command } from '../command.js';
import { killCgroup, processesIn } from '../cgroups.js';
import { nameProcess, signalProcess } from '../processes.js';
import { RuntimeError } from '../runtime-error.js';
import { StateFolder, type ContainerRecord } from '../state.js';
import { statusOf } from '../status.js';

const mostSignal = 64;

export const kill: Command = {
  flags: { all: { kind: 'flag', short: 'a' } },
  argumentCount: { least: 1, most: 2 },
  run: ({ settings }, { rest: [id = '', word = 'SIGTERM'], flags }) => {
    const signal = signalNumber(word);
    const { folder, record } = StateFolder.take(settings.root, id);
    if (flags.has('all')) killAll(record, signal);
    else if (statusOf(folder, record) === 'stopped' || record.init === undefined || !signalProcess(record.init, signal)) throw new RuntimeError('container not running');
    return 0;
  },
};

/** Also of a container whose first process has ended: without a pid namespace of its own, others may live. */
function killAll({ cgroup }: ContainerRecord, signal: number): void {
  if (signal === constants.signals.SIGKILL) {
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
  if (/^\d+$/.test(word) && Number(word) <= mostSignal) return Number(word);
  const name = word.toUpperCase().replace(/^(?:SIG)?/, 'SIG');
  const number = Object.entries(constants.signals).find(([known]) => known === name)?.[1];
  if (number === undefined) throw new RuntimeError(`unknown signal ${JSON.stringify(word)}`);
  return number;
}
