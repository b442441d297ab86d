/** Both streams of a container, into the log of its formation. */
import type { Container } from '../../container/container.js';
import { LogCopy, type CopySettings } from './copy.js';
import type { LineForm, LineFramer } from './framing.js';
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
    const tell = (message: string, partial: LogLine['partial']) => { say(told(message, name, { partial }, form)); };
    return [{ stream, copy: new LogCopy(pace, tell, { form, mark }) }];
  });
  return {
    done: Promise.all(copies.map(async ({ stream, copy }) => copy.from(stream))),
    hurry: () => {
      for (const { copy } of copies) copy.hurry();
    },
  };
}

/** What a framer has given last. What a terminal shows is its program's standard output. */
export function told(message: string, stream: 'stdout' | 'stderr' | 'terminal', { partial }: Pick<LineFramer, 'partial'>, form: LineForm | undefined): PrintedLine {
  if (form !== 'docker') return { message };
  return { message, stream: stream === 'stderr' ? 'stderr' : 'stdout', ...(partial !== undefined && { partial }) };
}

/** As a line of a dyno: ids of parts are its own. */
export function lineOf(dyno: string, timeMs: number, { message, stream, partial }: PrintedLine): LogLine {
  const line = { timeMs, source: 'app', dyno, message } as const;
  if (stream === undefined) return line;
  return { ...line, stream, ...(partial !== undefined && { partial: { ...partial, id: `${dyno}-${stream}-${partial.id}` } }) };
}
