/** Signals that end a long piece of work: it is given up in order, and the exit code says which signal it was. */
import { constants } from 'node:os';
import type { Progress } from './progress.js';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Work was given up, since a signal of the kernel's came. */
export class Interruption extends Error {
  readonly exitCode: number;

  constructor(signal: (typeof signals)[number]) {
    super(`interrupted by ${signal}`);
    this.name = 'Interruption';
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** A second signal does not wait. */
export async function interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  let interruption: Interruption | undefined;
  const take = (signal: (typeof signals)[number]) => {
    if (interruption !== undefined) process.exit(interruption.exitCode);
    interruption = new Interruption(signal);
    controller.abort(interruption);
  };
  for (const signal of signals) process.on(signal, take);
  try {
    return await work(controller.signal);
  } catch (error) {
    throw interruption ?? error;
  } finally {
    for (const signal of signals) process.removeListener(signal, take);
  }
}

/** For work that stops wherever it is without harm: the terminal is put in order, and the signal does what it does. */
export function closeOnSignal(progress: Progress): () => void {
  const take = (signal: NodeJS.Signals) => {
    leave();
    progress.close();
    process.kill(process.pid, signal);
  };
  const leave = () => {
    for (const signal of signals) process.removeListener(signal, take);
  };
  for (const signal of signals) process.on(signal, take);
  return leave;
}
