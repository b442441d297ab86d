/** A connection to what a container listens on over its own loopback, whichever family that is of. */
import type { Socket } from 'node:net';
import type { Container } from '../container/container.js';

/** Of IPv4, else of IPv6; where both refuse it is the first refusal that is told. */
export async function connectToLoopback(container: Container, port: number): Promise<Socket> {
  return container.connect(port).catch(async (refused: unknown) => container.connect(port, { host: '::1' }).catch(() => {
    throw refused;
  }));
}
