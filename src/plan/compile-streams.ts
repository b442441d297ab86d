/** Standard streams: passed by the caller, pipes of which the caller gets the other end, or a terminal; logged or not. */
import { mappedId } from '../spec/ids.js';
import type { PlanInput, StreamPlan } from './input.js';
import { Namespaces } from './namespaces.js';
import { ownsRoot } from './own-root.js';
import type { HandedOver, PlanBuilder } from './plan.js';

export interface StreamSlots {
  /** In the launcher: pipes, and which ends go back. */
  makePipes(): void;
  /** In the container: streams at 0, 1 and 2. */
  place(): void;
}

const streamNumbers = { stdout: 1, stderr: 2, terminal: 0 } as const;

export function compileStreams(input: PlanInput, builder: PlanBuilder): StreamSlots {
  return input.spec.process?.terminal === true ? new TerminalStreams(input, builder) : new PipeStreams(input, builder);
}

/** What both kinds need: pipes, and keeping what comes out. */
class Streams {
  protected readonly input: PlanInput;
  protected readonly builder: PlanBuilder;

  constructor(input: PlanInput, builder: PlanBuilder) {
    this.input = input;
    this.builder = builder;
  }

  protected pipe(field: string): { reader: number; writer: number } {
    const ends = { reader: this.builder.slot(), writer: this.builder.slot() };
    this.builder.add(field, { op: 'makePipe', ...ends });
    return ends;
  }

  /** Keeps what comes out of `source` in the log; `forwarded` says whether the caller reads it as well. */
  protected keepLog(stream: keyof typeof streamNumbers, source: number | null, forwarded: HandedOver | undefined): void {
    const maxBytes = this.input.extensions.log?.maxBytes ?? 0;
    const forward = forwarded === undefined ? undefined : this.pipe(stream);
    this.builder.add('extensions.log', { op: 'keepLog', source, stream: streamNumbers[stream], forward: forward?.writer ?? null, maxBytes });
    if (forwarded !== undefined && forward !== undefined) this.builder.handOver(stream, forwarded, forward.reader);
  }
}

class TerminalStreams extends Streams implements StreamSlots {
  makePipes(): void {
    if (this.input.extensions.log !== undefined) this.keepLog('terminal', null, this.input.stdout === 'pipe' ? 'terminalOutput' : undefined);
    // The master comes when the container has opened it, after everything else.
    this.builder.expect('terminal');
  }

  place(): void {
    const { consoleSize, user } = this.input.spec.process ?? {};
    const { height: rows = 0, width: columns = 0 } = consoleSize ?? {};
    this.builder.add('/process/terminal', { op: 'openTerminal', rows, columns, console: this.#ownsDev(), uid: user?.uid ?? 0 });
  }

  /** A further process finds the console of the first; in a mount namespace that others have, it would be theirs. */
  #ownsDev(): boolean {
    const { rootPath, spec, extensions } = this.input;
    return rootPath !== '' && ownsRoot(this.input, new Namespaces(spec.linux, extensions.namespaceFds));
  }
}

class PipeStreams extends Streams implements StreamSlots {
  #stdin: number | null;
  #stdout: number | null;
  #stderr: number | null;

  constructor(input: PlanInput, builder: PlanBuilder) {
    super(input, builder);
    const pass = (name: string, stream: StreamPlan): number | null => (stream === 'passed' ? builder.pass(name) : null);
    this.#stdin = pass('stdin', input.stdin);
    this.#stdout = pass('stdout', input.stdout);
    this.#stderr = pass('stderr', input.stderr);
  }

  makePipes(): void {
    this.#ownPassed();
    if (this.input.stdin === 'pipe') {
      const { reader, writer } = this.pipe('stdin');
      this.#stdin = reader;
      this.#own('stdin', reader);
      if (this.input.extensions.survive === true) this.builder.add('extensions.survive', { op: 'keepInput', descriptor: writer });
      this.builder.handOver('stdin', 'stdin', writer);
    }
    this.#stdout = this.#output('stdout', this.input.stdout, this.#stdout);
    this.#stderr = this.#output('stderr', this.input.stderr, this.#stderr);
  }

  place(): void {
    this.builder.add('stdin, stdout, stderr', { op: 'setStdio', stdin: this.#stdin, stdout: this.#stdout, stderr: this.#stderr });
  }

  /** The slot of the writing end. */
  #output(name: 'stdout' | 'stderr', stream: StreamPlan, passed: number | null): number | null {
    if (stream === 'passed') return passed;
    const logged = this.input.extensions.log !== undefined;
    if (stream === 'ignore' && !logged) return null;
    const { reader, writer } = this.pipe(name);
    this.#own(name, writer);
    if (logged) this.keepLog(name, reader, stream === 'pipe' ? name : undefined);
    else this.builder.handOver(name, name, reader);
    return writer;
  }

  #ownPassed(): void {
    const passed = { stdin: this.#stdin, stdout: this.#stdout, stderr: this.#stderr };
    for (const [name, slot] of Object.entries(passed)) if (slot !== null) this.#own(name, slot);
  }

  /** So that the program may open it again by name. Root's own pipes are root's already. */
  #own(name: string, descriptor: number): void {
    const uid = launcherUid(this.input);
    if (uid !== undefined && uid !== 0) this.builder.add(name, { op: 'ownPipe', descriptor, uid });
  }
}

/** The program's user as the launcher counts; undefined where only a namespace that is joined knows. */
function launcherUid({ spec, extensions }: PlanInput): number | undefined {
  const uid = spec.process?.user.uid ?? 0;
  const namespaces = new Namespaces(spec.linux, extensions.namespaceFds);
  if (namespaces.isShared('user')) return uid;
  if (namespaces.isJoined('user')) return undefined;
  return mappedId(spec.linux?.uidMappings ?? [], uid);
}
