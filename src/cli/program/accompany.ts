/** Stays with a program until it ends or the caller leaves it: its output, its input, its terminal, its signals. */
import type { Readable, Writable } from 'node:stream';
import { ExecProcess } from '../../index.js';
import type { InputStream } from '../invocation.js';
import { quiet, Relay } from './relay.js';
import { passSignalsOn, type Program } from './signals.js';
import { followWindow, typeAlong, type World } from './terminal.js';

export interface Company<End> {
  readonly program: Program<End>;
  readonly world: World;
  /** What is typed or comes in is for the program. */
  readonly input: boolean;
  /** The caller's terminal hung up. Absent: the program is left. */
  readonly whenHungUp?: () => void;
}

/** How it ended; undefined when it goes on without us. */
export async function accompany<End>({ program, world, input, whenHungUp }: Company<End>): Promise<End | undefined> {
  const relays = relayOutput(program, world);
  const undo: (() => void)[] = [];
  const left = new Promise<undefined>((resolve) => {
    const leave = () => {
      resolve(undefined);
    };
    undo.push(passSignalsOn(program, { world, onHangUp: whenHungUp ?? leave }));
    if (program.terminal !== null) undo.push(followWindow(program.terminal, world));
    if (input) undo.push(passInput(program, world, leave));
  });
  try {
    const status = await Promise.race([program.exited, left]);
    if (status !== undefined) await drained(program, relays);
    return status;
  } finally {
    for (const each of undo) each();
  }
}

function relayOutput({ terminal, stdout, stderr }: Program<unknown>, world: World): Relay[] {
  const pairs: [Readable | null, World['stdout']][] = terminal === null ? [[stdout, world.stdout], [stderr, world.stderr]] : [[terminal.output, world.stdout]];
  return pairs.flatMap(([source, destination]) => (source === null ? [] : [new Relay(source, destination)]));
}

function passInput({ terminal, stdin }: Program<unknown>, world: World, onDetach: () => void): () => void {
  // A terminal that hung up cannot be read (EIO), which SIGHUP tells better.
  world.stdin.on('error', () => undefined);
  if (terminal !== null) return typeAlong(terminal, world, onDetach);
  return stdin === null ? () => undefined : copyInput(world.stdin, stdin);
}

function copyInput(source: InputStream, target: Writable): () => void {
  source.pipe(target);
  return () => {
    source.unpipe(target);
    source.pause();
  };
}

/** A container takes every writer with it; a process in one may leave others behind that hold its pipes. */
async function drained(program: Program<unknown>, relays: readonly Relay[]): Promise<void> {
  const ended = Promise.all(relays.map((relay) => relay.ended));
  await (program instanceof ExecProcess ? Promise.race([ended, quiet(relays)]) : ended);
}
