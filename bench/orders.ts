/** What the bench asks of an agent: a Node process with a heap of a chosen size, as an embedder would be. */
import type { RunOptions } from '../src/index.js';

/** The default profile, without pipes that nobody reads. */
export const defaultRun: RunOptions = { command: ['/bin/true'], stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' };

/** The default profile with one part of it left out, or another in its place. */
export const parts: Readonly<Record<string, RunOptions>> = {
  'network of the host': { network: 'host' },
  'processes of the host': { namespaces: { pid: 'host' } },
  'ipc of the host': { namespaces: { ipc: 'host' } },
  'host name of the host': { namespaces: { uts: 'host' } },
  'cgroups of the host': { namespaces: { cgroup: 'host' } },
  'users of the host': { namespaces: { user: 'host' } },
  'folder without overlay': { root: 'writable' },
  'no seccomp': { seccomp: 'unconfined' },
  'nothing masked': { systemPaths: 'unconfined' },
  'privileged': { privileged: true },
};

/** What an agent has beside what Node needs by itself. */
export interface AgentSize {
  /** Live objects in V8's heap, which Node does not let a fork copy (V8_ENABLE_PRIVATE_MAPPING_FORK_OPTIMIZATION). */
  readonly heapMb: number;
  /** Live buffers, of whose pages a fork copies the tables. */
  readonly bufferMb: number;
  /** Mounts to make in a mount namespace of its own before anything else. */
  readonly mounts: number;
}

export interface AgentSettings extends AgentSize {
  readonly rootfs: string;
  /** Roots of several layers, topmost first, by the name that they are started by. */
  readonly layers: Readonly<Record<string, readonly string[]>>;
  readonly state: string;
  /** Command lines of programs that are started as a whole, by name; `#` stands for a number that is never the same. */
  readonly programs: Readonly<Record<string, readonly string[]>>;
  /** Given to programs as descriptor 3. */
  readonly filter: string;
}

/** `embedded`, what differs from it in one part, the name of a root of layers, or that of a program. */
export type SubjectName = string;

export type Order =
  /** One start; nanoseconds until the end, and for `embedded` also until the program was executed. */
  | { readonly op: 'start'; readonly subject: SubjectName }
  /** Many; nanoseconds for all of them. */
  | { readonly op: 'many'; readonly subject: SubjectName; readonly count: number; readonly atOnce: number }
  /** Idle containers; bytes for each that the launcher and Node have grown by, and how many of Node's are in use. */
  | { readonly op: 'idle'; readonly count: number }
  /** Idle dynos of one formation; the same for each, and milliseconds of processor time that launcher and Node take in a second with all of them. */
  | { readonly op: 'dynos'; readonly count: number }
  /** So many more that live on until `clear`; no figures. */
  | { readonly op: 'fill'; readonly count: number }
  | { readonly op: 'clear' }
  /** Embedded starts, one after the other; nanoseconds that the event loop was busy for each, and its longest turn. */
  | { readonly op: 'loop'; readonly count: number };

export interface Answer {
  readonly figures: readonly number[];
  readonly error?: string;
}

const operations = ['start', 'many', 'idle', 'dynos', 'fill', 'clear', 'loop'];

export function isAgentSettings(value: unknown): value is AgentSettings {
  return typeof value === 'object' && value !== null && ['heapMb', 'bufferMb', 'rootfs', 'layers', 'state', 'mounts', 'programs', 'filter'].every((name) => name in value);
}

export function isOrder(value: unknown): value is Order {
  return typeof value === 'object' && value !== null && 'op' in value && operations.includes(String(value.op));
}

export function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && 'figures' in value && Array.isArray(value.figures);
}
