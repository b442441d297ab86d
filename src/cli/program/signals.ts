/** Passes signals on to a program, so that ending or signalling the command means the program. */
import type { Container, ExitStatus, Terminal } from '../../index.js';
import { tell } from '../tell.js';
import { hasTerminal, letGoOfTerminals, ownTerminals, type World } from './terminal.js';

/** A container, a program that is executed in one, or what stands for one that another process owns. */
export interface Program<End = ExitStatus> extends Pick<Container, 'kill' | 'killAll' | 'stdin' | 'stdout' | 'stderr'> {
  readonly terminal: Pick<Terminal, 'input' | 'output' | 'resize'> | null;
  /** How it ends. */
  readonly exited: Promise<End>;
}

/**
 * Not those of job control, which stop this process alone, and not SIGWINCH: to servers it says that they shall end, and here
 * only that somebody has changed the size of a window.
 */
const passedOn = ['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGALRM', 'SIGVTALRM', 'SIGIO', 'SIGPWR'] as const;
const adviceMs = 1000;
/** Two that lie further apart are two, as who sends them (a supervisor that reloads) means them. */
const twiceMs = 5000;

export interface SignalOptions {
  readonly world: World;
  /** The caller's terminal is gone, and nobody can end this command any more. */
  readonly onHangUp: () => void;
}

/** Until the function that it gives is called. */
export function passSignalsOn(program: Program<unknown>, { world, onHangUp }: SignalOptions): () => void {
  const terminals = ownTerminals();
  const interrupt = new Interrupt(program, world);
  const pass = (signal: NodeJS.Signals) => {
    if (signal === 'SIGHUP' && terminals.length > 0 && !hasTerminal()) {
      letGoOfTerminals(terminals);
      onHangUp();
    } else if (signal === 'SIGINT' && program.terminal === null) interrupt.take();
    else send(program, signal);
  };
  for (const signal of passedOn) process.on(signal, pass);
  return () => {
    interrupt.end();
    for (const signal of passedOn) process.removeListener(signal, pass);
  };
}

/** Ctrl-C: the first is the program's, a second soon after kills. Many programs ignore it without having said so, being pid 1. */
class Interrupt {
  readonly #program: Program<unknown>;
  readonly #world: World;
  #advice: NodeJS.Timeout | undefined;
  #lastMs = -Infinity;

  constructor(program: Program<unknown>, world: World) {
    this.#program = program;
    this.#world = world;
  }

  take(): void {
    const nowMs = performance.now();
    if (nowMs - this.#lastMs < twiceMs) {
      this.#program.killAll().catch(() => undefined);
      return;
    }
    this.#lastMs = nowMs;
    clearTimeout(this.#advice);
    send(this.#program, 'SIGINT');
    this.#advice = setTimeout(() => {
      if (this.#world.stderr.isTTY === true) tell(this.#world.stderr, 'tsrun: the program got SIGINT and goes on; ctrl-c within the next 4 seconds kills it\n');
    }, adviceMs);
  }

  end(): void {
    clearTimeout(this.#advice);
  }
}

/** It may have ended in this moment, which is told elsewhere. */
function send(program: Program<unknown>, signal: NodeJS.Signals): void {
  program.kill(signal).catch(() => undefined);
}
