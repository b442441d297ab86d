/** What a one-off dyno may be asked for, and the check of it. */
import { env, grace, signalName, terminal } from '../../container/options/option-shapes.js';
import type { RunOptions } from '../../container/options/options.js';
import { TsrunError } from '../../spec/errors.js';
import { nonEmpty } from '../../spec/schema-common.js';
import { sizeShape, type DynoSize, type DynoSizeName } from '../sizes/sizes.js';
import { anyOf, array, assertShape, boolean, integer, optional, strictObject, text, type Shape } from '../../spec/shape.js';

/** What `Formation.run` may be asked for. Unknown names are refused. */
export interface OneOffOptions {
  /** It starts when a client attaches, who has what it prints. Default: false, true with a terminal. */
  readonly attach?: boolean;
  /** Gives it a terminal, with a size, or 0 by 0 until it is resized. Default false. */
  readonly terminal?: NonNullable<RunOptions['terminal']>;
  /** Before its number: `run.1234`. Default `run`. */
  readonly type?: string;
  /** Over the config vars. */
  readonly env?: Readonly<Record<string, string>>;
  /** Who has asked for it, as the log says: an address of theirs, say. Default: the user whose process owns the formation, by name. */
  readonly by?: string;
  /** What it may use. Default: as the process type `run` has it, or the formation. */
  readonly size?: DynoSizeName | DynoSize;
  /** What `stop` sends to all of its processes. Default `SIGTERM`. */
  readonly stopSignal?: string;
  /** Milliseconds from that signal to SIGKILL. Default 30,000. */
  readonly graceMs?: number;
  /** How soon a client must attach, in milliseconds; else R13. Default 30,000. */
  readonly attachTimeoutMs?: number;
  /** A client with a terminal that neither types nor sees anything for so long has gone; -1: it never has. Default an hour, in milliseconds. */
  readonly idleTimeoutMs?: number;
  /** How long it may live, in milliseconds. Default a day. */
  readonly timeToLiveMs?: number;
}

const duration = integer(1, 2 ** 31 - 1);
const hourMs = 3_600_000;

export const oneOffShape = strictObject<OneOffOptions>({
  attach: optional(boolean),
  terminal: optional(terminal),
  type: optional(text('a type of 1 to 63 letters, digits, "-" and "_"', /^[\w-]{1,63}$/)),
  env: optional(env),
  by: optional(text('1 to 256 characters without control characters', /^\P{Cc}{1,256}$/u)),
  size: optional(sizeShape),
  stopSignal: optional(signalName),
  graceMs: optional(grace),
  attachTimeoutMs: optional(duration),
  idleTimeoutMs: optional(grace),
  timeToLiveMs: optional(duration),
});

/** A line for the shell, or its words. */
export type OneOffCommand = string | readonly string[];

export const oneOffCommand: Shape<OneOffCommand> = anyOf(nonEmpty, array(text(), 1));

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function validateOneOff(given: OneOffCommand, value: OneOffOptions): void {
  assertShape(strictObject<{ readonly command: OneOffCommand }>({ command: oneOffCommand }), { command: given }, 'ERR_TSRUN_INVALID_ARGUMENT', 'argument');
  assertShape(oneOffShape, value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
  if (value.attach === false && (value.terminal ?? false) !== false) {
    throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'option /terminal: nobody is there to see it', { field: '/terminal', hint: 'leave attach out' });
  }
}

export const oneOffDefaults = { type: 'run', terminal: false, stopSignal: 'SIGTERM', graceMs: 30_000, attachTimeoutMs: 30_000, idleTimeoutMs: hourMs, timeToLiveMs: 24 * hourMs } as const;
