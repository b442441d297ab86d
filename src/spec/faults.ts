/**
 * What is wrong with a value, gathered while it is walked. Nothing here knows what the value should be.
 */

import { TsrunError, type ErrorCode } from './errors.js';
import { printable, show } from './quote.js';

export interface Fault {
  /** JSON pointer into the value that was checked; empty for the value itself. */
  readonly field: string;
  readonly message: string;
  readonly hint?: string | undefined;
}

/** Enough to see a pattern; a hostile document may have millions. */
const mostFaults = 20;

/** Told of a key that looks like a known one misspelt. */
export type HearSlip = (slip: Fault) => void;

/** What becomes of unknown keys of the spec's objects, where it is not that those pass which are not misspelt. */
export interface Unknowns {
  /** What is misspelt passes as well, and is told. */
  readonly hearSlip?: HearSlip | undefined;
  /** Each is a fault. */
  readonly refused?: boolean;
}

export class Faults {
  readonly list: Fault[] = [];
  readonly refusesUnknown: boolean;
  readonly #hearSlip: HearSlip | undefined;

  constructor({ hearSlip, refused = false }: Unknowns = {}) {
    this.refusesUnknown = refused;
    this.#hearSlip = hearSlip;
  }

  slip(field: string, message: string, hint: string | undefined): void {
    if (this.#hearSlip === undefined) this.add(field, message, hint);
    else this.#hearSlip({ field, message, hint });
  }

  add(field: string, message: string, hint?: string): void {
    if (this.list.length < mostFaults) this.list.push({ field, message, hint });
  }

  expected(field: string, expects: string, found: unknown, hint?: string): void {
    if (this.list.length < mostFaults) this.add(field, `expected ${expects}, found ${show(found)}`, hint);
  }

  /** Raises the first fault; the message says how many more there are. */
  throwIfAny(code: ErrorCode, subject: string): void {
    const [first, ...others] = this.list;
    if (first === undefined) return;
    const place = first.field === '' ? subject : `${subject} ${printable(first.field, 200)}`;
    const rest = others.length === 0 ? '' : ` (and ${others.length} more)`;
    throw new TsrunError(code, `${place}: ${first.message}${rest}`, { field: first.field, hint: first.hint });
  }
}
