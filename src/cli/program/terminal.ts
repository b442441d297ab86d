/** The caller's terminal and the program's, joined: raw bytes in, size changes along. */
import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import { makeRaw, TsrunError, type Terminal } from '../../index.js';
import type { Invocation } from '../invocation.js';
import { DetachKeys } from './detach-keys.js';

/** Where the caller is: each stream is opened when it is first asked for. */
export type World = Pick<Invocation, 'stdin' | 'stdout' | 'stderr'>;

export interface WindowSize {
  readonly rows: number;
  readonly columns: number;
}

/** Of the terminal that the caller looks at, if there is one. */
export function windowSize({ stdout, stderr }: Pick<World, 'stdout' | 'stderr'>): WindowSize | undefined {
  for (const { isTTY, rows = 0, columns = 0 } of [stdout, stderr]) {
    // One that nobody has given a size says 0.
    if (isTTY === true && rows > 0 && columns > 0) return { rows, columns };
  }
  return undefined;
}

/** @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT` for `-it` without a terminal to type on */
export function requireTerminal(invocation: Pick<Invocation, 'flags' | 'stdin'>): void {
  const { tty, interactive, detach } = invocation.flags;
  if (tty !== true || interactive !== true || detach === true || invocation.stdin.isTTY === true) return;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'standard input is not a terminal, which --interactive --tty needs', {
    hint: 'leave --tty away to pass on a file or a pipe',
  });
}

/** Follows the size of the caller's window until the function that it gives is called. */
export function followWindow(terminal: Pick<Terminal, 'resize'>, world: Pick<World, 'stdout' | 'stderr'>): () => void {
  const resize = () => {
    const size = windowSize(world);
    if (size !== undefined) terminal.resize(size.rows, size.columns);
  };
  process.on('SIGWINCH', resize);
  resize();
  return () => process.removeListener('SIGWINCH', resize);
}

/** A program that draws on the whole screen does so again when the size changes, so it is changed for a moment. */
export function redraw(terminal: Pick<Terminal, 'resize'>, world: Pick<World, 'stdout' | 'stderr'>): void {
  const size = windowSize(world);
  if (size !== undefined) terminal.resize(size.rows + 1, size.columns);
}

/** Types what the caller types, until the function that it gives is called; that restores the caller's terminal. */
export function typeAlong(terminal: Pick<Terminal, 'input'>, { stdin }: Pick<World, 'stdin'>, onDetach: () => void): () => void {
  if (stdin.isTTY !== true) {
    stdin.pipe(terminal.input, { end: false });
    return () => stdin.unpipe(terminal.input);
  }
  const setRaw = () => {
    stdin.setRawMode?.(true);
    makeRaw(stdin.fd ?? 0);
  };
  // A shell that takes a stopped job to the foreground has set the terminal for itself; off and on makes Node do it again.
  // A terminal that hangs up sends the same signal.
  const setRawAgain = () => {
    if (!hasTerminal()) return;
    stdin.setRawMode?.(false);
    setRaw();
  };
  const keys = new DetachKeys(onDetach);
  setRaw();
  process.on('SIGCONT', setRawAgain);
  stdin.pipe(keys).pipe(terminal.input, { end: false });
  return () => {
    process.removeListener('SIGCONT', setRawAgain);
    stdin.unpipe(keys);
    stdin.pause();
    keys.destroy();
    stdin.setRawMode?.(false);
  };
}

/** Once a terminal hangs up, its processes have none (ENXIO, tty(4)). */
export function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}

/** Which of the standard streams are terminals, by their descriptors: none is opened for this. */
export function ownTerminals(): readonly number[] {
  return [0, 1, 2].filter((fd) => isatty(fd));
}

/** For a terminal that has hung up: at its exit Node restores those that it began with, and aborts when one is gone (Node 20). */
export function letGoOfTerminals(descriptors: readonly number[]): void {
  for (const fd of descriptors) {
    closeSync(fd);
    // The lowest number that is free: the one that was just closed.
    openSync('/dev/null', 'r+');
  }
}
