/** Requests on their way to a launcher: in order, never waiting for it, and nothing is lost for want of room. */
import { Writer } from '../plan/codec.js';
import { encodeRequest, type Request } from '../plan/wire.generated.js';
import { TsrunError } from '../spec/errors.js';
import type { Addon } from './addon.js';
import { broken, hostRefused, unsent } from './faults.js';

interface Message {
  readonly request: Request;
  readonly bytes: Uint8Array;
  readonly descriptors: readonly number[];
  /** Of the descriptors, those to close once they are sent. */
  readonly owned: readonly number[];
}

/** What a SOCK_SEQPACKET message surely takes: half of the default of net.core.wmem_default. */
const largestMessage = 96 * 1024;
const eagain = 11;

export class Outbox {
  readonly #addon: Addon;
  readonly #socket: number;
  /** Messages that the socket had no room for. */
  readonly #unsent: Message[] = [];

  constructor(addon: Addon, socket: number) {
    this.#addon = addon;
    this.#socket = socket;
  }

  send(request: Request, descriptors: readonly number[], owned: readonly number[]): void {
    const writer = new Writer(request.op === 'launch' ? request.plan.length + 512 : 256);
    encodeRequest(writer, request);
    const message = { request, bytes: writer.finish(), descriptors, owned };
    if (this.#unsent.length > 0 || !this.#trySend(message)) this.#unsent.push(message);
  }

  sendPlan(container: number, id: string, plan: Uint8Array, descriptors: readonly number[]): void {
    if (plan.length <= largestMessage) {
      this.send({ op: 'launch', container, id, releaseAtStart: false, planInDescriptor: false, plan }, descriptors, []);
      return;
    }
    const file = this.#seal(plan);
    this.send({ op: 'launch', container, id, releaseAtStart: false, planInDescriptor: true, plan: new Uint8Array() }, [file, ...descriptors], [file]);
  }

  #seal(plan: Uint8Array): number {
    try {
      return this.#addon.sealBytes(plan);
    } catch (error) {
      throw hostRefused('the plan cannot be sent', error);
    }
  }

  /** What there is room for now. A request that cannot be sent at all fails alone: a descriptor was closed meanwhile. */
  sendRest(onFailure: (request: Request, error: TsrunError) => void): void {
    for (let [message] = this.#unsent; message !== undefined; [message] = this.#unsent) {
      try {
        if (!this.#trySend(message)) return;
        this.#unsent.shift();
      } catch (error) {
        this.#unsent.shift();
        onFailure(message.request, TsrunError.is(error) ? error : broken(error));
      }
    }
  }

  /** Nothing is sent any more. */
  close(): void {
    for (const { owned } of this.#unsent.splice(0)) for (const descriptor of owned) this.#addon.closeDescriptor(descriptor);
  }

  #trySend({ bytes, descriptors, owned }: Message): boolean {
    const errno = this.#addon.send(this.#socket, bytes, descriptors);
    if (errno === eagain) return false;
    for (const descriptor of owned) this.#addon.closeDescriptor(descriptor);
    if (errno === 0) return true;
    throw unsent(errno);
  }
}
