/** Which dyno a connection goes to, and what there is to be said where none can be had. */
import type { Socket } from 'node:net';
import type { DynoState } from '../life-record.js';
import type { Prospect } from '../life-settings.js';
import type { RefusalCode } from './refusal.js';

/** A dyno, as far as connections go. */
export interface Backend {
  readonly name: string;
  readonly state: DynoState;
  readonly prospect: Prospect;
  /** Milliseconds since 1970. */
  readonly nextRestartAtMs: number | undefined;
  /** What its connections end with: another one after each restart. */
  readonly container: object | undefined;
  readonly connect: (port: number) => Promise<Socket>;
  /** Where it listens in the place of a port that its type is known by. */
  readonly ownPort?: (port: number) => number;
  readonly sleep: () => void;
  readonly wake: () => void;
}

/** What is known of each of them. */
export interface Load {
  /** Connections that it has. */
  readonly open: number;
  /** When it was chosen last; the order of turns counts. */
  readonly turn: number;
}

/** The one with the fewest connections; of several that which was not chosen for longest. */
export function leastLoaded<T>(backends: readonly T[], loadOf: (backend: T) => Load): T | undefined {
  let best: { readonly backend: T; readonly load: Load } | undefined;
  for (const backend of backends) {
    const load = loadOf(backend);
    if (best === undefined || load.open < best.load.open || (load.open === best.load.open && load.turn < best.load.turn)) best = { backend, load };
  }
  return best?.backend;
}

/** Whether one of them is worth waiting for until then: it is starting, or its restart policy has it start before. */
export function isComing(backends: readonly Backend[], untilMs: number): boolean {
  return backends.some(({ prospect, nextRestartAtMs = 0 }) => prospect === 'comes' && nextRestartAtMs <= untilMs);
}

/** Where none serves and none is coming. */
export function absence(backends: readonly Backend[]): RefusalCode {
  return backends.some(({ state }) => state === 'crashed') ? 'H10' : 'H14';
}
