/** Calls a CRI socket as a kubelet does. */
import { join, resolve } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';

const definition = join(resolve(import.meta.dirname, '../../..'), 'test/support/cri.proto');

export type Message = Readonly<Record<string, unknown>>;

export class Cri {
  readonly #client: Client;
  readonly #service = loadSync(definition, { keepCase: true, defaults: true, longs: Number })['runtime.v1.RuntimeService'];

  constructor(socket: string) {
    // A path of another root is no host name.
    this.#client = new Client(`unix:${socket}`, credentials.createInsecure(), { 'grpc.default_authority': 'localhost' });
  }

  async call(name: string, request: object): Promise<Message> {
    const service = this.#service;
    if (service === undefined || 'format' in service) throw new Error('the definition has no such service');
    const method = Object.entries(service).find(([each]) => each === name)?.[1];
    if (method === undefined) throw new Error(`the definition has no ${name}`);
    return new Promise((done, fail) => {
      this.#client.makeUnaryRequest<object, object>(method.path, method.requestSerialize, method.responseDeserialize, request, (error, response) => {
        if (error !== null) fail(error);
        else done({ ...response });
      });
    });
  }

  close(): void {
    this.#client.close();
  }
}
