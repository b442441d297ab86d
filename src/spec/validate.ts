/**
 * From an unknown value to a typed one, or an error that names the field, what was found there and what is allowed.
 * Whether tsrun does what a valid spec asks for is not decided here.
 */

import type { ErrorCode } from './errors.js';
import type { Extensions } from './extensions.js';
import { extensionsShape } from './extensions-shape.js';
import { Faults, type HearSlip, type Unknowns } from './faults.js';
import { checkLinux, checkResources } from './rules-linux.js';
import { checkMounts } from './rules-mounts.js';
import { checkNamespaces } from './rules-namespaces.js';
import { checkProcess } from './rules-process.js';
import { resourcesShape, specShape } from './schema.generated.js';
import { assertShape, type Shape } from './shape.js';
import type { Resources, Spec } from './types.js';

/**
 * A whole config.json. Unknown fields pass, as the runtime-spec demands, unless they are misspelt known ones.
 *
 * @param extensions what is given beside the spec: a namespace given there as a descriptor counts as joined
 * @param hearSlip lets misspelt ones pass too, to the letter of config.md ("Extensibility"), and hears of them
 * @throws ERR_TSRUN_INVALID_SPEC
 */
export function validateSpec(value: unknown, extensions: Extensions = {}, hearSlip?: HearSlip): Spec {
  const checkRules = (spec: Spec, faults: Faults): void => {
    // config.md, "Root": optional in the schema, but required on every platform except Windows.
    if (spec.root === undefined) faults.expected('/root', 'an object', undefined);
    if (spec.process !== undefined) checkProcess(spec.process, '/process', faults);
    checkMounts(spec.mounts ?? [], faults);
    checkNamespaces(spec, extensions, faults);
    if (spec.linux !== undefined) checkLinux(spec.linux, faults);
  };
  return validate('spec', specShape, value, { unknowns: { hearSlip }, checkRules });
}

/** `linux.resources` by itself, as `update` is given it: every unknown field is refused. @throws ERR_TSRUN_INVALID_ARGUMENT */
export function validateResources(value: unknown): Resources {
  return resourcesOf(value, 'ERR_TSRUN_INVALID_ARGUMENT', { refused: true });
}

/** The same as a part of a config.json, where what is unknown passes. @throws ERR_TSRUN_INVALID_SPEC */
export function validateSpecResources(value: unknown, hearSlip?: HearSlip): Resources {
  return resourcesOf(value, 'ERR_TSRUN_INVALID_SPEC', { hearSlip });
}

function resourcesOf(value: unknown, code: ErrorCode, unknowns: Unknowns): Resources {
  const shape: Shape<Resources> = resourcesShape;
  assertShape(shape, value, code, 'resources', unknowns);
  const faults = new Faults();
  checkResources(value, '', faults);
  faults.throwIfAny(code, 'resources');
  return value;
}

/** What stands beside a spec; every unknown field is refused. @throws ERR_TSRUN_INVALID_SPEC */
export function validateExtensions(value: unknown): Extensions {
  return validate('extensions', extensionsShape, value);
}

interface Judges<T> {
  readonly unknowns: Unknowns;
  readonly checkRules: (value: T, faults: Faults) => void;
}

function validate<T>(subject: string, shape: Shape<T>, value: unknown, { unknowns, checkRules }: Partial<Judges<T>> = {}): T {
  assertShape(shape, value, 'ERR_TSRUN_INVALID_SPEC', subject, unknowns);
  const faults = new Faults();
  checkRules?.(value, faults);
  faults.throwIfAny('ERR_TSRUN_INVALID_SPEC', subject);
  return value;
}
