/** From `{step, system call, errno}` back to a sentence that a person can act on. */
import type { EventFailed, Step } from '../../plan/wire.generated.js';
import type { Plan } from '../../plan/plan.js';
import { systemErrorName } from '../../spec/errno.js';
import { signalName } from '../../spec/signals.js';
import { SetupError, type SetupErrorDetails } from '../../spec/errors.js';
import { explainFailure as explain, hints, type FailureContext } from './failures.js';

export function setupError(event: EventFailed, plan: Plan, context: FailureContext): SetupError {
  const planned = plan.steps[event.step];
  if (event.error < 0) return killedEarly(-event.error, plan);
  const name = event.error > 0 ? systemErrorName(event.error) : 'EUNKNOWN';
  const syscall = context.syscallName(event.syscall);
  const details: SetupErrorDetails = {
    step: planned === undefined ? -1 : event.step,
    stepCount: plan.steps.length,
    op: planned?.step.op ?? 'plan',
    syscall,
    errno: -event.error,
    errnoName: name,
    field: planned?.field,
  };
  if (planned === undefined) return new SetupError('ERR_TSRUN_SETUP', `the launcher refused the plan: ${name}`, { ...details, hint: hints[name] ?? `see ${syscall}(2) for what ${name} means there` });
  const known = explain({ step: planned.step, errno: name, syscall, plan }, context);
  const field = known?.field ?? planned.field;
  const where = `(step ${event.step + 1} of ${plan.steps.length}, from ${field})`;
  const message = known?.message ?? `${describe(planned.step)}: ${syscall} says ${name}`;
  return new SetupError(known?.code ?? 'ERR_TSRUN_SETUP', known?.isWhole === true ? message : `${message} ${where}`, { ...details, field, hint: known?.hint ?? hints[name] ?? `see ${syscall}(2) for what ${name} means there` });
}

/** It died on its way to the program, at a step that nobody can name. */
function killedEarly(signal: number, plan: Plan): SetupError {
  const step = plan.steps.length - 1;
  const name = signalName(signal);
  const { field = plan.steps[step]?.field, why = '', hint = 'the kernel log may say more: dmesg' } = deathReason(name, plan) ?? {};
  return new SetupError('ERR_TSRUN_SETUP', `the first process was killed by ${name} before it could execute the program${why}`, {
    step,
    stepCount: plan.steps.length,
    op: 'execute',
    syscall: 'execve',
    errno: 0,
    errnoName: 'EUNKNOWN',
    field,
    hint,
  });
}

/** By what a process dies that its filter leaves no way out: the kernel's verdict, or the fault that stands for an exit. */
const refusals: ReadonlySet<string> = new Set(['SIGSYS', 'SIGILL', 'SIGTRAP']);

function deathReason(signal: string, { steps }: Plan): { readonly field: string; readonly why: string; readonly hint: string } | undefined {
  const filter = steps.find(({ step }) => step.op === 'loadSeccomp');
  const memory = steps.find(({ step }) => step.op === 'writeCgroup' && step.file === 'memory.max');
  if (refusals.has(signal) && filter !== undefined) {
    const hint = 'the seccomp profile forbids execve, or to say so (sendto) and to end (exit_group): allow these';
    return { field: filter.field, why: ', as its seccomp profile has it', hint };
  }
  if (signal !== 'SIGKILL' || memory === undefined) return undefined;
  return { field: memory.field, why: ', maybe for want of memory', hint: 'raise the memory limit; dmesg tells whether it was that' };
}

/** What a step was about, in a few words. */
export function describe(step: Step): string {
  const parts: string[] = [step.op];
  if ('path' in step) parts.push(`'${step.path}'`);
  if ('target' in step && 'type' in step) parts.push(`${step.type} on '${step.target}'`);
  else if ('target' in step) parts.push(`'${step.target}'`);
  if ('file' in step) parts.push(step.file);
  if ('value' in step && typeof step.value === 'string') parts.push(`'${step.value}'`);
  if ('directory' in step) parts.push(`'${step.directory}'`);
  if ('name' in step) parts.push(`'${step.name}'`);
  return parts.join(' ');
}
