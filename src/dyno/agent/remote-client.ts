/** The client of a one-off dyno in another process: an attachment whose other end is a connection to the owner. */
import type { Socket } from 'node:net';
import { deferred, type Deferred } from '../../spec/deferred.js';
import { Attachment } from '../one-off/attachment.js';
import type { Answer, Conversation } from './owner.js';
import { isOf, piecesOf, welcome, type ClientWord } from './protocol.js';

export class RemoteClient {
  readonly attachment: Attachment;
  readonly #socket: Socket;
  /** Of what was typed, until the owner has taken it. */
  #taken: Deferred<undefined> | undefined;
  /** What was printed and not yet read is enough, until more is wanted. */
  #wanted: Deferred<undefined> | undefined;
  #hasLeft = false;

  /** @throws as `OneOff.attach` */
  static async attach(conversation: Conversation): Promise<Attachment> {
    const answers = conversation.answers();
    const { value } = await answers.next();
    const greeting = value?.['item'];
    const client = new RemoteClient(conversation.socket, isOf(welcome, greeting) && greeting.hasTerminal);
    void client.#listen(answers);
    return client.attachment;
  }

  private constructor(socket: Socket, hasTerminal: boolean) {
    this.#socket = socket;
    this.attachment = new Attachment({
      wanted: () => {
        this.#wanted?.resolve(undefined);
      },
      write: (bytes, done) => {
        void this.#type(bytes).then(() => {
          done();
        });
      },
      finish: () => {
        this.#say({ say: 'end' });
      },
      resize: (rows, columns) => {
        this.#say({ say: 'size', rows, columns });
      },
      hasTerminal: () => hasTerminal,
      left: (meant) => {
        if (meant) this.#say({ say: 'detach' });
        else this.#socket.destroy();
        this.#leave();
      },
    });
  }

  async #listen(answers: AsyncIterable<Answer>): Promise<void> {
    try {
      for await (const { item, taken } of answers) {
        if (taken === true) this.#taken?.resolve(undefined);
        else if (typeof item === 'string' && !this.#hasLeft && !this.attachment.push(Buffer.from(item, 'base64'))) await this.#untilWanted();
      }
      if (!this.#hasLeft) this.attachment.close();
    } catch (error) {
      if (!this.#hasLeft) this.attachment.destroy(error instanceof Error ? error : undefined);
    }
    this.#leave();
  }

  /** Each piece when the one before was taken, so that the owner never has more of it than it can read on. */
  async #type(bytes: Buffer): Promise<void> {
    for (const piece of piecesOf(bytes)) {
      if (this.#hasLeft) return;
      this.#taken = deferred<undefined>();
      this.#say({ say: 'type', base64: piece.toString('base64') });
      await this.#taken.promise;
    }
  }

  async #untilWanted(): Promise<void> {
    this.#wanted = deferred<undefined>();
    await this.#wanted.promise;
    this.#wanted = undefined;
  }

  /** Nothing that waits for the other end does so any longer. */
  #leave(): void {
    this.#hasLeft = true;
    this.#taken?.resolve(undefined);
    this.#wanted?.resolve(undefined);
  }

  #say(word: ClientWord): void {
    if (!this.#socket.destroyed) this.#socket.write(`${JSON.stringify(word)}\n`);
  }
}
