/** The release phase: a one-off dyno that must do well before anything of a release is started (Dev Center, "Release phase"). */
import { TsrunError } from '../../spec/errors.js';
import { anyOf, boolean, integer, optional, strictObject } from '../../spec/shape.js';
import type { Death } from '../death.js';
import type { OneOffOptions } from './one-off-options.js';

export const releaseType = 'release';

/** How the release phase is run. */
export interface ReleaseOptions {
  /** How long it may take, in milliseconds; then it is stopped, and has failed. Default an hour, as on Heroku. */
  readonly timeoutMs?: number;
}

export const releaseShape = anyOf(boolean, strictObject<ReleaseOptions>({ timeoutMs: optional(integer(1, 2 ** 31 - 1)) }));

const hourMs = 3_600_000;

/** @throws ERR_TSRUN_RELEASE */
export async function runRelease(
  choice: true | ReleaseOptions,
  { stopSignal, graceMs, size }: Pick<OneOffOptions, 'stopSignal' | 'graceMs' | 'size'> = {},
  run: (options: OneOffOptions) => Promise<{ readonly exited: Promise<Death> }>,
): Promise<void> {
  const { timeoutMs = hourMs } = choice === true ? {} : choice;
  const own = { ...(stopSignal !== undefined && { stopSignal }), ...(graceMs !== undefined && { graceMs }), ...(size !== undefined && { size }) };
  const { exited } = await run({ type: releaseType, timeToLiveMs: timeoutMs, ...own });
  const { cause, code, error } = await exited;
  // One that is stopped has not done its work, whatever it says.
  if (cause === 'exit' && code === 0) return;
  throw new TsrunError('ERR_TSRUN_RELEASE', `the release phase failed: its program ${cause === 'exit' ? 'ended' : `was ended (${cause})`} with status ${code}`, {
    hint: 'nothing else was started; its log says what went wrong',
    cause: error,
  });
}

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function refuseRelease(quantities: Readonly<Record<string, number>>): void {
  if (!Object.hasOwn(quantities, releaseType)) return;
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `there is no number of dynos of the type "${releaseType}"`, { field: `/quantities/${releaseType}`, hint: 'it is run once, before the others' });
}
