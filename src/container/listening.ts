/** Sockets of a container that begin to listen, as the kernel tells of them. */
import type { Listening } from '../engine/requests.js';
import type { Container } from './container.js';

/** A container, as far as its listeners go. */
export interface ListeningSource {
  /** Of its first process, in whose network they are. */
  readonly pid: number;
  /** Tells of each from now on, until `end`. Rejects where the kernel cannot tell. */
  readonly watch: (hear: (told: Listening) => void) => Promise<void>;
  readonly end: () => void;
}

export function listeningOf({ pid, launcher, handle }: Container): ListeningSource {
  return {
    pid,
    watch: async (hear) => launcher.watchListening(handle, hear),
    end: () => {
      launcher.endListening(handle);
    },
  };
}
