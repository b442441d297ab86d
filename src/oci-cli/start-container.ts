/** Has the program of a created container be executed. */
import { asNode, constants } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';
import type { StateFolder } from './state.js';
import { statusOf } from './status.js';

export function startContainer(folder: StateFolder): void {
  const record = folder.read();
  const status = statusOf(folder, record);
  if (status === 'stopped') throw new RuntimeError('cannot start a container that has stopped');
  if (status !== 'created') throw new RuntimeError(status === 'creating' ? 'cannot start a container that is not created yet' : 'cannot start an already running container');
  // Whoever waits at it holds it open; without anybody this is refused at once (ENXIO, fifo(7)).
  const fifo = asNode(folder.fifo, () => host.open(folder.fifo, constants.O_WRONLY | constants.O_NONBLOCK, 0));
  host.write(fifo, host.encode('0'));
  host.close(fifo);
  asNode(folder.fifo, () => {
    host.unlink(folder.fifo);
  });
}
