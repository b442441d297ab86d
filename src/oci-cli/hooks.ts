/** Hooks of the runtime's namespaces, and what is told of those that the container's first process runs. */
import type { Plan } from '../plan/plan.js';
import { systemErrorName } from '../spec/errno.js';
import { hookArguments, hookTimeoutMs, stateText, type HookState } from '../spec/hooks.js';
import type { Hook, Hooks } from '../spec/types.js';
import { annotationsOf, versionOf } from './describe-state.js';
import { inGoWords } from './go-words.js';
import { withHookOutputs } from './hook-outputs.js';
import { logWarning } from './log.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';
import type { ContainerRecord } from './state.js';
import type { Status } from './status.js';

export type HookKind = keyof Hooks;

const mostOutput = 2000;

export function hookStateOf(record: Pick<ContainerRecord, 'id' | 'bundle' | 'spec'>): HookState {
  return { ociVersion: versionOf(record.spec), id: record.id, bundle: record.bundle, annotations: annotationsOf(record.spec) };
}

/** One after the other, in their order (config.md). @throws RuntimeError for the first that fails */
export function runHooks(kinds: readonly HookKind[], record: ContainerRecord, status: Status, pid: number): void {
  for (const kind of kinds) {
    for (const [index, hook] of (record.hooks?.[kind] ?? []).entries()) runHook(hook, `${kind} hook #${index}`, record, status, pid);
  }
}

/** After the end of a container nothing can be stopped any more: a hook that fails is told of, and the others are run all the same. */
export function runLastHooks(record: ContainerRecord): void {
  for (const [index, hook] of (record.hooks?.poststop ?? []).entries()) {
    try {
      runHook(hook, `poststop hook #${index}`, record, 'stopped', 0);
    } catch (error) {
      logWarning(error instanceof Error ? error.message : String(error));
    }
  }
}

function runHook({ path, args, env = [], timeout }: Hook, name: string, record: ContainerRecord, status: Status, pid: number): void {
  const state = host.encode(stateText(hookStateOf(record), status, String(pid)));
  const limitMs = timeout === undefined ? -1 : hookTimeoutMs(timeout);
  let ended;
  try {
    ended = withHookOutputs(record, (outputs) => host.runProgram(path, record.bundle, hookArguments(path, args), env, state, limitMs, outputs));
  } catch (error) {
    if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') throw error;
    throw hookError(name, `${path}: ${inGoWords(error.errno)}`);
  }
  const why = ended.timedOut ? 'context deadline exceeded' : statusWords(ended.status);
  const output = ended.output.trim().slice(0, mostOutput);
  if (why !== undefined) throw hookError(name, output === '' ? why : `${why}: ${output}`);
}

function hookError(name: string, why: string): RuntimeError {
  return new RuntimeError(`error running ${name}: ${why}`);
}

/** `status` as wait(2) has it. */
function statusWords(status: number): string | undefined {
  const signal = status & 0x7f;
  if (signal !== 0) return `signal ${signal}`;
  return status === 0 ? undefined : `exit status ${status >> 8}`;
}

/** Of one that the first process has run: see `judge` of native/steps/hooks.cc. */
export function innerHookError(name: string, call: string, error: number): RuntimeError {
  if (call === 'exit_group') return hookError(name, `exit status ${error}`);
  if (call === 'kill') return hookError(name, `signal ${error}`);
  const errno = systemErrorName(error);
  return hookError(name, errno === 'ETIMEDOUT' ? 'context deadline exceeded' : `${call}: ${inGoWords(errno)}`);
}

/** Which steps `start` will see done. */
export function startHooksOf({ steps }: Plan): Pick<ContainerRecord, 'startHooks'> {
  const first = steps.findIndex(({ field }) => field.startsWith('/hooks/startContainer/'));
  const count = steps.filter(({ field }) => field.startsWith('/hooks/startContainer/')).length;
  return count === 0 ? {} : { startHooks: { first, count } };
}
