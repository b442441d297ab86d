/** Datagrams to a socket in the file system, which Node cannot send. */
import { constants } from 'node:os';
import { systemErrorName } from '../spec/errno.js';
import { loadNative } from './addon.js';

export class DatagramSocket {
  readonly #fd: number;

  /** @throws the system error of connect(2) */
  constructor(path: string) {
    this.#fd = loadNative().addon.connectDatagram(path);
  }

  /**
   * Never blocks: false when the receiver's queue is full. What is too large for a datagram goes as a sealed memfd without content beside
   * it, as journald wants it.
   *
   * @throws an error with the `code` of sendmsg(2)
   */
  send(bytes: Uint8Array): boolean {
    const { addon } = loadNative();
    let errno = addon.send(this.#fd, bytes, []);
    if (errno === constants.errno.EMSGSIZE || errno === constants.errno.ENOBUFS) {
      const file = addon.sealBytes(bytes);
      errno = addon.send(this.#fd, new Uint8Array(), [file]);
      addon.closeDescriptor(file);
    }
    if (errno === constants.errno.EAGAIN) return false;
    if (errno !== 0) throw Object.assign(new Error('sendmsg'), { code: systemErrorName(errno) });
    return true;
  }

  close(): void {
    loadNative().addon.closeDescriptor(this.#fd);
  }
}
