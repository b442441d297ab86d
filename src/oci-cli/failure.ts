/** A step that failed, in the words that engines look for. */
import type { Plan } from '../plan/plan.js';
import type { EventFailed, StepClone } from '../plan/wire.generated.js';
import { systemErrorName } from '../spec/errno.js';
import { inGoWords } from './go-words.js';
import { innerHookError } from './hooks.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

export function failureOf(event: EventFailed, plan: Plan, program: string): RuntimeError {
  const errno = event.error > 0 ? systemErrorName(event.error) : `signal ${-event.error}`;
  const planned = plan.steps[event.step];
  if (planned === undefined) return new RuntimeError(`the launcher refused the plan: ${errno}`);
  const { step, field } = planned;
  if (step.op === 'runHook') return innerHookError(field.replace(/^\/hooks\/(\w+)\/(\d+)$/, '$1 hook #$2'), host.syscallName(event.syscall), event.error);
  if (step.op === 'findProgram' || step.op === 'execute') return new RuntimeError(programFailure(program, errno));
  const written = step.op === 'clone' && host.syscallName(event.syscall) === 'write' ? writtenAtBirth(step, errno) : undefined;
  if (written !== undefined) return new RuntimeError(`${written}: ${inGoWords(errno)}`);
  return new RuntimeError(`${describe(step)} (${field}): ${host.syscallName(event.syscall)}: ${inGoWords(errno)}`);
}

/** The step also writes what only another process may write for the new one; each file has refusals of its own (proc(5), user_namespaces(7), time_namespaces(7)). */
function writtenAtBirth({ procFiles, timeOffsets }: StepClone, errno: string): string | undefined {
  if (errno === 'EACCES' && procFiles.includes('oom_score_adj')) return 'write oom_score_adj (/process/oomScoreAdj)';
  if (errno === 'ERANGE' && timeOffsets !== '') return 'write timens_offsets (/linux/timeOffsets)';
  return ['EINVAL', 'EPERM'].includes(errno) && procFiles.includes('uid_map') ? 'write uid_map (/linux/uidMappings)' : undefined;
}

function programFailure(program: string, errno: string): string {
  const name = JSON.stringify(program);
  if (errno === 'ENOENT' && !program.includes('/')) return `exec: ${name}: executable file not found in $PATH`;
  const call = errno === 'ENOENT' ? `stat ${program}: ` : '';
  return `exec: ${name}: ${call}${inGoWords(errno)}`;
}

/** A step by its name and what it is about. */
export function describe(step: Plan['steps'][number]['step']): string {
  const of = ['target', 'path', 'file', 'source', 'name'].flatMap((key) => {
    const value: unknown = Object.entries(step).find(([name]) => name === key)?.[1];
    return typeof value === 'string' && value !== '' ? [value] : [];
  });
  return `${step.op}${of.length === 0 ? '' : ` ${of.join(' ')}`}`;
}
