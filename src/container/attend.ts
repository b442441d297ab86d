/** What is done for a first process that waits for its client (`awaitClient`). */
import type { Launcher } from '../engine/launcher.js';
import { TsrunError } from '../spec/errors.js';
import type { Start } from './start.js';

export interface Waiting {
  readonly launcher: Launcher;
  readonly handle: number;
  /** Undefined while it lives. */
  readonly exitStatus: unknown;
  killAll(): Promise<void>;
}

/** What fails ends it, as `endsAs` is told. */
export async function attend(start: Start | undefined, pid: number, waiting: Waiting, endsAs: (error: TsrunError) => void): Promise<void> {
  try {
    await start?.attach?.(pid);
    if (waiting.exitStatus === undefined) waiting.launcher.proceed(waiting.handle);
  } catch (cause) {
    endsAs(TsrunError.is(cause) ? cause : new TsrunError('ERR_TSRUN_HOST', 'what the container waits for could not be done', { cause }));
    await waiting.killAll().catch(() => undefined);
  }
}
