/** Both streams of a container, into the log of its formation. */
import type { Container } from '../../container/container.js';
import { LogCopy } from './copy.js';
import type { LogHub } from './hub.js';

export interface Printed {
  /** Nothing more is printed. */
  readonly done: Promise<unknown>;
  /** Its program has ended: what is left waits for no drain. */
  readonly hurry: () => void;
}

export function unhurried(done: Promise<unknown>): Printed {
  return { done, hurry: () => undefined };
}

export function copyOutput({ stdout, stderr }: Container, pace: Pick<LogHub, 'turns' | 'room'>, say: (message: string) => void): Printed {
  const streams = [stdout, stderr].filter((stream) => stream !== null);
  const copies = streams.map((stream) => ({ stream, copy: new LogCopy(pace, say) }));
  return {
    done: Promise.all(copies.map(async ({ stream, copy }) => copy.from(stream))),
    hurry: () => {
      for (const { copy } of copies) copy.hurry();
    },
  };
}
