/** Both streams of a container, into the log of its formation. */
import type { Container } from '../../container/container.js';
import { LogCopy, type CopySettings } from './copy.js';
import type { LogHub } from './hub.js';
import type { LogLine } from './line.js';

export interface Printed {
  /** Nothing more is printed. */
  readonly done: Promise<unknown>;
  /** Its program has ended: what is left waits for no drain. */
  readonly hurry: () => void;
}

export function unhurried(done: Promise<unknown>): Printed {
  return { done, hurry: () => undefined };
}

/** A line as it was printed: of what form it is decides whether more than its text is told. */
export type PrintedLine = Pick<LogLine, 'message' | 'stream' | 'partial'>;

export function copyOutput(container: Container, pace: Pick<LogHub, 'turns' | 'room'>, { form = 'heroku', mark = '' }: CopySettings, say: (line: PrintedLine) => void): Printed {
  const copies = (['stdout', 'stderr'] as const).flatMap((name) => {
    const stream = container[name];
    if (stream === null) return [];
    const tell = form === 'docker' ? (message: string, partial: LogLine['partial']) => { say(printed(message, name, partial)); } : (message: string) => { say({ message }); };
    return [{ stream, copy: new LogCopy(pace, tell, { form, mark: `${mark}-${name}` }) }];
  });
  return {
    done: Promise.all(copies.map(async ({ stream, copy }) => copy.from(stream))),
    hurry: () => {
      for (const { copy } of copies) copy.hurry();
    },
  };
}

/** In docker's form. */
export function printed(message: string, stream: 'stdout' | 'stderr', partial: LogLine['partial']): PrintedLine {
  return { message, stream, ...(partial !== undefined && { partial }) };
}
