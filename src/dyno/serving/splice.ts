/** Two sockets as one connection: each side hears of the other what it would hear without anybody between them. */
import type { Socket } from 'node:net';

/**
 * Passes on what either says, and its end in the direction that ended (half-closed connections go on); a reset of one resets the other. Of what
 * one side does not read, no more is taken from the other than the two streams hold. Resolves when both are closed.
 */
export async function splice(client: Socket, dyno: Socket): Promise<void> {
  for (const socket of [client, dyno]) socket.allowHalfOpen = true;
  const closed = Promise.all([closeOf(client, dyno), closeOf(dyno, client)]);
  client.pipe(dyno).pipe(client);
  await closed;
}

/**
 * Ends a connection at once, so that the other side learns of it as an error. `resetAndDestroy` of Node waits until the other side has read all,
 * and says that this was the end before it says that it was none; what it does then is what this field asks for.
 */
export function reset(socket: Socket): void {
  Reflect.set(socket, 'resetAndClosing', true);
  socket.destroy();
}

function closeOf(socket: Socket, other: Socket): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      if (!socket.readableEnded || !socket.writableFinished) reset(other);
      resolve();
    };
    // `close` follows.
    socket.on('error', () => undefined);
    if (socket.closed) end();
    else socket.once('close', end);
  });
}
