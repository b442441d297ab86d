/** Namespaces of other containers, by the name of the container: what is opened is that of its first process. */
import { readlinkSync } from 'node:fs';
import { TsrunError } from '../spec/errors.js';
import { show } from '../spec/quote.js';
import type { NamespaceType } from '../spec/types.js';
import type { NamespaceChoice, RunOptions } from './options.js';
import type { StateRoot } from './state-root.js';
import { readSummary } from './summary.js';

/** In /proc/<pid>/ns. */
const files: Readonly<Record<NamespaceType, string>> = { network: 'net', pid: 'pid', ipc: 'ipc', uts: 'uts', user: 'user', cgroup: 'cgroup', time: 'time', mount: 'mnt' };

/**
 * The same options with paths in the place of names. One that the other container shares with the host is the host's.
 *
 * @throws ERR_TSRUN_NOT_FOUND, ERR_TSRUN_STATE
 */
export function joinContainers(options: RunOptions, root: StateRoot): RunOptions {
  const { network, namespaces } = options;
  const resolve = (choice: NamespaceChoice, type: NamespaceType, field: string) => {
    if (typeof choice === 'string' || !('container' in choice)) return choice;
    return namespaceOf(pidOf(choice.container, root, `${field}/container`), files[type]);
  };
  const joined = typeof network === 'object' ? resolve(network, 'network', '/network') : undefined;
  const others: { -readonly [K in keyof NonNullable<RunOptions['namespaces']>]: NamespaceChoice } = { ...namespaces };
  for (const type of ['pid', 'ipc', 'uts', 'user', 'cgroup', 'time', 'mount'] as const) {
    const choice = others[type];
    if (choice !== undefined) others[type] = resolve(choice, type, `/namespaces/${type}`);
  }
  return { ...options, ...(joined !== undefined && joined !== 'new' && { network: joined }), ...(namespaces !== undefined && { namespaces: others }) };
}

function pidOf(id: string, root: StateRoot, field: string): number {
  const summary = readSummary(root, id);
  if (summary === undefined) throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no container ${show(id)} to share a namespace with`, { field, hint: 'tsrun ps lists those that run' });
  if (summary.state !== 'stopped' && summary.pid !== undefined) return summary.pid;
  throw new TsrunError('ERR_TSRUN_STATE', `the container ${show(id)} does not run, so its namespaces are gone`, { field, hint: 'start it first: tsrun ps lists those that run' });
}

function namespaceOf(pid: number, file: string): 'host' | { readonly path: string } {
  const path = `/proc/${pid}/ns/${file}`;
  return linkOf(path) === linkOf(`/proc/self/ns/${file}`) ? 'host' : { path };
}

/** One that cannot be read is told of when it is opened. */
function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return path;
  }
}
