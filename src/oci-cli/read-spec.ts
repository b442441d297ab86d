/**
 * A config.json as engines write it: what nobody knows passes, to the letter of config.md ("Extensibility"), with a warning where it looks
 * like a known field misspelt, which Go would take for it in another case.
 */
import type { Fault } from '../spec/faults.js';
import type { Resources, Spec } from '../spec/types.js';
import { validateSpec, validateSpecResources } from '../spec/validate.js';
import { printable } from '../spec/quote.js';
import { logWarning } from './log.js';

export function readSpec(value: unknown): Spec {
  return validateSpec(value, {}, warnOf);
}

/** One of a record: `create` has warned of it. */
export function readStoredSpec(value: unknown): Spec {
  return validateSpec(value, {}, () => undefined);
}

/** One of a record with another part in the place of its own, which alone is warned of. */
export function readChangedSpec(stored: Spec, part: 'mounts' | 'process', value: unknown): Spec {
  return validateSpec({ ...stored, [part]: value }, {}, (slip) => {
    if (slip.field.startsWith(`/${part}/`)) warnOf(slip);
  });
}

export function readResources(value: unknown): Resources {
  return validateSpecResources(value, warnOf);
}

function warnOf({ field, hint }: Fault): void {
  logWarning(`ignoring unknown field ${printable(field, 200)}${hint === undefined ? '' : ` (${hint})`}`);
}
