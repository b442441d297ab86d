/** What `exec` may be asked for, checked before anything is touched. */

import { TsrunError } from '../../spec/errors.js';
import { absolutePath, cpuList } from '../../spec/schema-common.js';
import { array, assertShape, boolean, optional, strictObject, text } from '../../spec/shape.js';
import type { ExecOptions } from './exec-options.js';
import { env, groups, stdio, terminal, user } from './option-shapes.js';

const execOptions = strictObject<ExecOptions>({
  command: array(text(), 1),
  env: optional(env),
  cwd: optional(absolutePath),
  user: optional(user),
  groups: optional(groups),
  terminal: optional(terminal),
  stdin: optional(stdio),
  stdout: optional(stdio),
  stderr: optional(stdio),
  privileged: optional(boolean),
  cpuAffinity: optional(cpuList),
  survive: optional(boolean),
  detachable: optional(boolean),
});

/** @throws ERR_TSRUN_INVALID_ARGUMENT, with the JSON pointer of the option in `field` */
export function validateExecOptions(value: unknown): ExecOptions {
  assertShape(execOptions, value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
  if (value.command[0] !== '') return value;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'option /command/0: the name of the program is empty', { field: '/command/0', hint: 'name a program' });
}
