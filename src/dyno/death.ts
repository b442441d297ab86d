/** Why a dyno's program ended, as a value; log lines and codes are renderings of it. */
import type { ExitStatus } from '../container/state/exit-status.js';
import type { TsrunError } from '../spec/errors.js';

/** What ended it. */
export type DeathCause =
  /** The program itself, with its exit code. */
  | 'exit'
  /** A signal that tsrun did not send. */
  | 'signal'
  /** The kernel, for want of memory: `victim` says what it took. */
  | 'oom'
  /** It used far more memory than its size has, and was killed (R15). */
  | 'quota'
  /** It was asked to end, and did. */
  | 'stop'
  /** It was asked to end, and was killed when its time was over (R12). */
  | 'stop-timeout'
  /** Nothing listened on its port in time (R10). */
  | 'boot-timeout'
  /** It failed a health check, and was asked to end. */
  | 'unhealthy'
  /** It waited for a client, and none came (R13). */
  | 'attach-timeout'
  /** It could not be started (R99, or no such program). */
  | 'failed'
  /** What kept it was killed. */
  | 'lost';

/** How a dyno ended. */
export interface Death {
  /** What ended it. */
  readonly cause: DeathCause;
  /** Exit code, or 128 + signal; 125 to 127 for what did not start. */
  readonly code: number;
  /** Of the program; absent for what did not start. */
  readonly status?: ExitStatus;
  /** Why it could not be started. */
  readonly error?: TsrunError;
  /** Of `oom`: the whole dyno, or its program alone, with which the others end. */
  readonly victim?: 'dyno' | 'program';
  /** Processes that the kernel killed for want of memory: also children, while the program lived on. */
  readonly oomKills: number;
}

/** The runtime was closed, or its launcher killed: nothing can be started by it any more. */
export function isForGood({ error }: Death): boolean {
  return error?.code === 'ERR_TSRUN_STATE' || error?.code === 'ERR_TSRUN_LAUNCHER_LOST';
}

/** What tsrun had done to it when it ended. */
export type Doing = 'nothing' | 'stopping' | 'stopping-unhealthy' | 'killing-late' | 'killing-unbound' | 'killing-over-quota';

/** A program that ended. */
export function deathOf(status: ExitStatus, doing: Doing): Death {
  const cause = causeOf(status, doing);
  const victim = status.oomGroupKills > 0 ? ('dyno' as const) : ('program' as const);
  return { cause, code: status.code, status, oomKills: status.oomKills, ...(cause === 'oom' && { victim }) };
}

/** One that never ran. */
export function failedDeath(error: TsrunError): Death {
  const code = error.code === 'ERR_TSRUN_COMMAND_NOT_FOUND' ? 127 : error.code === 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE' ? 126 : 125;
  return { cause: 'failed', code, error, oomKills: 0 };
}

function causeOf({ cause, signal }: ExitStatus, doing: Doing): DeathCause {
  if (cause === 'lost') return 'lost';
  if (doing === 'killing-late') return 'stop-timeout';
  if (doing === 'killing-unbound') return 'boot-timeout';
  if (doing === 'killing-over-quota') return 'quota';
  if (doing === 'stopping') return 'stop';
  if (doing === 'stopping-unhealthy') return 'unhealthy';
  return cause === 'oom' ? 'oom' : signal === undefined ? 'exit' : 'signal';
}
