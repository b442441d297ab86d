import type { Command } from '../command.js';
import { processesIn } from '../cgroups.js';
import { print } from '../log.js';
import { host } from '../platform/host.js';
import { RuntimeError } from '../runtime-error.js';
import { StateFolder } from '../state.js';
import { wantsJson } from '../words.js';

const searchPath = ['/usr/bin/ps', '/bin/ps'];

export const ps: Command = {
  says: 'list the processes of a container',
  usage: '<container-id> [ps options]',
  flags: { format: { kind: 'text', short: 'f', says: 'table (default) or json' } },
  argumentCount: { least: 1, most: Infinity },
  flagsFirst: true,
  run: ({ settings }, words) => {
    const [id = '', ...args] = words.rest;
    const json = wantsJson(words);
    const { cgroup } = new StateFolder(settings.root, id).read();
    if (cgroup === '') throw new RuntimeError(`container ${id} has no cgroup by which its processes are known`);
    const pids = processesIn(cgroup);
    print(1, json ? `${JSON.stringify(pids)}\n` : table(pids, args.length === 0 ? ['-ef'] : args));
    return 0;
  },
};

/** Those lines of ps(1) that are about one of them. */
function table(pids: readonly number[], args: readonly string[]): string {
  const path = searchPath.find((each) => isThere(each));
  if (path === undefined) throw new RuntimeError('exec: "ps": executable file not found in $PATH');
  const { output } = host.runProgram(path, '/', ['ps', ...args], [], new Uint8Array(), -1, []);
  const [header = '', ...lines] = output.split('\n');
  const column = header.trim().split(/\s+/).indexOf('PID');
  if (column < 0) throw new RuntimeError('couldn\'t find PID field in ps output');
  const wanted = new Set(pids);
  return [header, ...lines.filter((line) => wanted.has(Number(line.trim().split(/\s+/)[column])))].map((line) => `${line}\n`).join('');
}

function isThere(path: string): boolean {
  try {
    host.access(path, 1);
    return true;
  } catch {
    return false;
  }
}
