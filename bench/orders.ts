/** What the bench asks of an agent: a Node process with a heap of a chosen size, as an embedder would be. */
import type { RunOptions } from '../src/index.js';

/** The default profile, without pipes that nobody reads. */
export const defaultRun: RunOptions = { command: ['/bin/true'], stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' };

export interface AgentSettings {
  readonly heapMb: number;
  readonly rootfs: string;
  /** Roots of several layers, topmost first, by the name that they are started by. */
  readonly layers: Readonly<Record<string, readonly string[]>>;
  readonly state: string;
  /** Command lines of programs that are started as a whole, by name; `#` stands for a number that is never the same. */
  readonly programs: Readonly<Record<string, readonly string[]>>;
  /** Given to programs as descriptor 3. */
  readonly filter: string;
}

/** `embedded`, the name of a root of layers, or that of a program. */
export type SubjectName = string;

export type Order =
  /** One start; nanoseconds until the end, and for `embedded` also until the program was executed. */
  | { readonly op: 'start'; readonly subject: SubjectName }
  /** Many; nanoseconds for all of them. */
  | { readonly op: 'many'; readonly subject: SubjectName; readonly count: number; readonly atOnce: number }
  /** Idle containers; bytes for each that the launcher and Node have grown by, and how many of Node's are in use. */
  | { readonly op: 'idle'; readonly count: number }
  /** Embedded starts, one after the other; nanoseconds that the event loop was busy for each, and its longest turn. */
  | { readonly op: 'loop'; readonly count: number };

export interface Answer {
  readonly figures: readonly number[];
  readonly error?: string;
}

const operations = ['start', 'many', 'idle', 'loop'];

export function isAgentSettings(value: unknown): value is AgentSettings {
  return typeof value === 'object' && value !== null && ['heapMb', 'rootfs', 'layers', 'state', 'programs', 'filter'].every((name) => name in value);
}

export function isOrder(value: unknown): value is Order {
  return typeof value === 'object' && value !== null && 'op' in value && operations.includes(String(value.op));
}

export function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null && 'figures' in value && Array.isArray(value.figures);
}
