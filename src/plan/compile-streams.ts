/** Standard streams: passed by the caller, pipes of which the caller gets the other end, or a terminal. */
import type { PlanInput, StreamPlan } from './input.js';
import type { PlanBuilder } from './plan.js';

export interface StreamSlots {
  /** In the launcher: pipes, and which ends go back. */
  makePipes(): void;
  /** In the container: streams at 0, 1 and 2. */
  place(): void;
}

export function compileStreams(input: PlanInput, builder: PlanBuilder): StreamSlots {
  const process = input.spec.process;
  if (process?.terminal === true) {
    const { height: rows = 0, width: columns = 0 } = process.consoleSize ?? {};
    return {
      makePipes: () => undefined,
      place: () => {
        builder.add('/process/terminal', { op: 'openTerminal', rows, columns, console: true, uid: process.user.uid });
      },
    };
  }
  const pass = (name: string, stream: StreamPlan): number | null => (stream === 'passed' ? builder.pass(name) : null);
  let stdin = pass('stdin', input.stdin);
  let stdout = pass('stdout', input.stdout);
  let stderr = pass('stderr', input.stderr);
  const pipe = (name: string): { reader: number; writer: number } => {
    const ends = { reader: builder.slot(), writer: builder.slot() };
    builder.add(name, { op: 'makePipe', ...ends });
    return ends;
  };
  const giveBack = (name: string, descriptor: number) => {
    builder.add(name, { op: 'handOver', descriptor });
  };
  return {
    makePipes: () => {
      if (input.stdin === 'pipe') {
        const { reader, writer } = pipe('stdin');
        stdin = reader;
        giveBack('stdin', writer);
      }
      if (input.stdout === 'pipe') {
        const { reader, writer } = pipe('stdout');
        stdout = writer;
        giveBack('stdout', reader);
      }
      if (input.stderr === 'pipe') {
        const { reader, writer } = pipe('stderr');
        stderr = writer;
        giveBack('stderr', reader);
      }
    },
    place: () => {
      builder.add('stdin, stdout, stderr', { op: 'setStdio', stdin, stdout, stderr });
    },
  };
}
