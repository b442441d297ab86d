/** Waits for a process before the caller's eyes, and gives what the command exits with: its own status, or 128 and its signal's number. */
import { passReady } from './notices.js';
import type { OneShotLauncher } from './one-shot.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

const signalOffset = 128;

/** One that has ended already, and that the launcher has reaped, needs no signals any more. */
function processOf(pid: number): number {
  try {
    return host.openProcess(pid);
  } catch {
    return -1;
  }
}

/** @param notices of a program that tells when it is ready, or -1 */
export function watchToItsEnd(launcher: OneShotLauncher, pid: number, terminal: number, notices = -1): number {
  const event = launcher.awaitExit(processOf(pid), terminal, notices, () => passReady(notices));
  if (event.op !== 'exited') throw new RuntimeError('the program could not be executed');
  const signal = event.status & 0x7f;
  return signal === 0 ? (event.status >> 8) & 0xff : signalOffset + signal;
}
