import type { Command } from '../command.js';
import { describeState } from '../describe-state.js';
import { print } from '../log.js';
import { RuntimeError } from '../runtime-error.js';
import { containerIds, StateFolder } from '../state.js';
import { wantsJson } from '../words.js';

const columnGap = 4;

export const list: Command = {
  says: 'list the containers of a root',
  usage: '',
  flags: { format: { kind: 'text', short: 'f', says: 'table (default) or json' }, quiet: { kind: 'flag', short: 'q', says: 'print ids alone' } },
  argumentCount: 0,
  run: ({ settings }, words) => {
    const json = wantsJson(words);
    const states = containerIds(settings.root).flatMap((id) => stateOf(settings.root, id));
    if (words.flags.has('quiet')) print(1, states.map(({ id }) => `${id}\n`).join(''));
    else if (json) print(1, `${JSON.stringify(states.length === 0 ? null : states)}\n`);
    else print(1, table([['ID', 'PID', 'STATUS', 'BUNDLE', 'CREATED', 'OWNER'], ...states.map(({ id, pid, status, bundle, created, owner }) => [id, String(pid), status, bundle, created, owner])]));
    return 0;
  },
};

/** One that is removed meanwhile is not there. */
function stateOf(root: string, id: string): ReturnType<typeof describeState>[] {
  try {
    const folder = new StateFolder(root, id);
    return [describeState(folder, folder.read())];
  } catch (error) {
    if (RuntimeError.is(error)) return [];
    throw error;
  }
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_name, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)) + columnGap);
  return rows.map((row) => `${row.map((cell, column) => (column + 1 === row.length ? cell : cell.padEnd(widths[column] ?? 0))).join('')}\n`).join('');
}
