/** A socket that the launcher connects inside a container's network namespace. */
import { isIP, Socket } from 'node:net';
import { TsrunError } from '../spec/errors.js';

/** AF_INET and AF_INET6. */
export function addressFamily(host: string): number {
  return isIP(host) === 4 ? 2 : 10;
}

/**
 * The launcher hands the socket over while it connects, and Node has no event for that of a descriptor. A write of no bytes
 * waits for the connection like any other (it is EAGAIN until then, tcp(7)) and sends nothing.
 */
export function connected(fd: number, failure: string): Promise<Socket> {
  const socket = new Socket({ fd, readable: true, writable: true });
  return new Promise((resolve, reject) => {
    const refuse = (cause: NodeJS.ErrnoException) => {
      reject(new TsrunError('ERR_TSRUN_STATE', `${failure}: ${cause.code ?? cause.message}`, { hint: 'is its program up, and does it listen on that address?', cause }));
    };
    socket.once('error', refuse);
    socket.write('', (error) => {
      if (error) return;
      socket.removeListener('error', refuse);
      resolve(socket);
    });
  });
}

/** The bytes of an address in network order; the platform's own parser decides what they are. */
export function addressBytes(host: string): Uint8Array {
  if (isIP(host) === 4) return Uint8Array.from(host.split('.').map(Number));
  const full = new URL(`http://[${host}]`).hostname.slice(1, -1);
  const [head = '', tail] = full.split('::');
  const words = (text: string) => (text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16)));
  const [before, after] = [words(head), words(tail ?? '')];
  const all = tail === undefined ? before : [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}
