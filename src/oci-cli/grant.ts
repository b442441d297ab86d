/**
 * What capabilities a process can be given here. config.md, "process": what cannot be granted is warned of and left out, and SHOULD NOT
 * be a failure: engines write "all of them", and their own may be fewer.
 */
import type { HostFacts } from '../host/facts.js';
import type { Capabilities, Process, Spec } from '../spec/types.js';
import { logWarning } from './log.js';

const sets = ['bounding', 'effective', 'permitted', 'inheritable', 'ambient'] as const satisfies readonly (keyof Capabilities)[];

export function withGrantable(process: Process, { linux }: Spec, { capabilities: held }: HostFacts): Process {
  const { capabilities } = process;
  // In a user namespace, new or joined, there are all of them (user_namespaces(7)).
  if (capabilities === undefined || linux?.namespaces?.some(({ type }) => type === 'user') === true) return process;
  const lacking = new Set(sets.flatMap((set) => capabilities[set] ?? []).filter((name) => !held.includes(name)));
  if (lacking.size === 0) return process;
  logWarning(`capabilities that cannot be granted here are left out: ${[...lacking].join(' ')}`);
  const granted = Object.fromEntries(sets.flatMap((set) => (capabilities[set] === undefined ? [] : [[set, capabilities[set].filter((name) => !lacking.has(name))]])));
  return { ...process, capabilities: granted };
}
