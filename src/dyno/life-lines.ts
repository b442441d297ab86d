/** What Heroku says of the life of a dyno (Dev Center, "Error codes"). */
import { ChecksumError } from '../image/checksum.js';
import type { Death } from './death.js';
import type { DynoState } from './life-record.js';

/** Heroku's log knows no dyno that is idle, though its API does. */
export function loggedState(state: DynoState): DynoState {
  return state === 'idle' ? 'down' : state;
}

export function bootTimeoutLine(bootTimeoutMs: number): string {
  return `Error R10 (Boot timeout) -> Web process failed to bind to $PORT within ${inSeconds(bootTimeoutMs)} of launch`;
}

export function exitTimeoutLine(graceMs: number, stopSignal: string): string {
  return `Error R12 (Exit timeout) -> At least one process failed to exit within ${inSeconds(graceMs)} of ${stopSignal}`;
}

export function endLines(death: Death): readonly string[] {
  // Heroku names no status of a process that there never was.
  if (death.error instanceof ChecksumError) return [checksumLine(death.error)];
  if (death.cause === 'attach-timeout') return ['Error R13 (Attach error) -> Failed to attach to process', 'Process exited'];
  return [...(death.error === undefined ? [] : [failureLine(death)]), `Process exited with status ${death.code}`];
}

/** To the letter: "does match" is what Heroku's log says. */
export function checksumLine({ expected, actual }: ChecksumError): string {
  return `Error R17 (Checksum error) -> Checksum does match expected value. Expected: ${expected} Actual: ${actual}`;
}

/** Heroku says `bash: …: command not found` in the app's name; there is no shell here that would. */
function failureLine({ code, error }: Death): string {
  const message = error?.message ?? '';
  return code === 125 ? `Error R99 (Platform error) -> ${message}` : message;
}

function inSeconds(ms: number): string {
  return ms === 1000 ? '1 second' : `${ms / 1000} seconds`;
}
