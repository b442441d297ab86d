/** What a process that runs containers holds of the host, as numbers: taken before and after many life cycles. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { cgroupsOf, launchersOf, processes, stateEntries } from './leaks.js';

/** By name; those of `bytes` wobble, the others do not. */
export interface Holdings {
  readonly counts: Readonly<Record<string, number>>;
  readonly bytes: Readonly<Record<'node' | 'nodeHeap' | 'launcher', number>>;
}

/** Of this process and the one launcher below this state root. */
export function holdings(stateRoot: string, prefix: string): Holdings {
  const [launcher = 0] = launchersOf(stateRoot);
  collectGarbage();
  return {
    counts: {
      'descriptors of Node': entries('/proc/self/fd'),
      'descriptors of the launcher': entries(`/proc/${launcher}/fd`),
      'threads of Node': entries('/proc/self/task'),
      'mounts of the host': lines('/proc/self/mountinfo'),
      'mounts of the launcher': lines(`/proc/${launcher}/mountinfo`),
      cgroups: cgroupsOf(prefix).length,
      'children of the launcher': processes().filter((pid) => parentOf(pid) === launcher).length,
      'entries of the state root': stateEntries(stateRoot).length,
    },
    bytes: { node: residentBytes('self'), nodeHeap: process.memoryUsage().heapUsed, launcher: residentBytes(String(launcher)) },
  };
}

/** Twice: what is freed by the first may hold what the second frees. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc(); gc()');
}

const entries = (folder: string): number => readdirSync(folder).length;
const lines = (file: string): number => readFileSync(file, 'utf8').split('\n').length - 1;

function parentOf(pid: number): number {
  try {
    return Number(/\) \S (\d+) /.exec(readFileSync(join('/proc', String(pid), 'stat'), 'utf8'))?.[1]);
  } catch {
    return 0;
  }
}

function residentBytes(pid: string): number {
  return 1024 * Number(/^VmRSS:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}
