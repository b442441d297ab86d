/** The terminal's master, given to whoever listens at the console socket. */
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';
import { systemErrorName } from '../spec/errno.js';

export function sendConsole(path: string, terminal: number): void {
  const socket = host.connectSocket(path);
  const error = host.send(socket, host.encode('/dev/ptmx'), [terminal]);
  host.close(socket);
  if (error !== 0) throw new RuntimeError(`the terminal cannot be sent to ${path}: ${systemErrorName(error)}`);
}
