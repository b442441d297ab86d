/** Shapes that the options of several methods share. */

import { id, nonEmpty, uint16 } from '../../spec/schema-common.js';
import { descriptor } from '../../spec/extensions-shape.js';
import { anyOf, array, boolean, integer, oneOf, record, strictObject, text, type Shape } from '../../spec/shape.js';
import { nearestSignal, readSignal } from '../../spec/signals.js';
import { readSize } from '../../spec/size.js';
import type { SignalDelivery } from '../delivery.js';
import type { RunOptions, Size, StdioChoice } from './options.js';

const isSize = { test: (value: string) => readSize(value) !== undefined };
export const size: Shape<Size> = anyOf(integer(0, Number.MAX_SAFE_INTEGER), text('a size such as "64m" or "1.5g"', isSize));

export const stdio: Shape<StdioChoice> = anyOf(oneOf('a stream', ['pipe', 'inherit', 'ignore']), descriptor);

type TerminalSize = Exclude<NonNullable<RunOptions['terminal']>, boolean>;
export const terminal = anyOf(boolean, strictObject<TerminalSize>({ rows: uint16, columns: uint16 }));

export const delivery: Shape<SignalDelivery> = oneOf('a delivery', ['main', 'all', 'mixed']);

/** execve(2) has no form for a name that is empty or holds "=". */
export const env = record(text(), text('a name without "="', /^[^=]+$/));

export const user = text('a user, or "user:group"', /^[^:\s]+(?::[^:\s]+)?$/);
export const groups = array(anyOf(id, nonEmpty));

const signalWords = 'a signal such as "SIGTERM", "TERM" or "15"';

function signalShape<T extends string | number>(accepts: (value: unknown) => boolean): Shape<T> {
  return {
    expects: signalWords,
    check(value, at, faults) {
      if (accepts(value)) return;
      const near = typeof value === 'string' ? nearestSignal(value) : undefined;
      faults.expected(at, signalWords, value, near === undefined ? undefined : `did you mean "${near}"?`);
    },
  };
}

const isSignalName = (value: unknown): boolean => typeof value === 'string' && readSignal(value) !== undefined;
export const signalName = signalShape<string>(isSignalName);
/** By name or by number. */
export const signal = signalShape<string | number>((value) => isSignalName(value) || (typeof value === 'number' && readSignal(String(value)) !== undefined));

/** In milliseconds; -1 = for ever. A timer of Node that is to wait longer goes off at once. */
export const grace = integer(-1, 2_147_483_647);
