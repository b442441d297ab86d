/** How other processes come to the one that owns a formation: each request is a connection of its own. */
import { closeSync, constants, openSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { stateRootToLookAt } from '../../container/state/state-root.js';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import { errorOf } from './carried-error.js';
import { linesFrom, parseLine, socketName, type Request } from './protocol.js';

/** A line of an answer: of one field, which says what it is. */
export type Answer = Readonly<Record<string, unknown>>;

export class Owner {
  readonly #app: string;
  readonly #folder: string;

  constructor(app: string, root: string | undefined) {
    this.#app = app;
    this.#folder = stateRootToLookAt(root).formationPath(app);
  }

  /** @throws ERR_TSRUN_NOT_FOUND; ERR_TSRUN_STATE where nobody answers */
  async ask(request: Request): Promise<Conversation> {
    const socket = await this.#connect();
    socket.write(`${JSON.stringify(request)}\n`);
    return new Conversation(socket, request.op === 'stop', (cause) => this.#unserved(cause));
  }

  /** Something that has no answer but that it is done. @throws as `ask`, and what comes of it */
  async do(request: Request): Promise<void> {
    for await (const _ of (await this.ask(request)).answers()) return;
  }

  /** By the folder's descriptor, as the owner does. */
  async #connect(): Promise<Socket> {
    let fd: number;
    try {
      fd = openSync(this.#folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    } catch (cause) {
      if (errnoName(cause) !== 'ENOENT') throw cause;
      throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no app ${show(this.#app)}`, { cause, hint: 'tsrun up --detach starts one' });
    }
    const socket = connect(`/proc/self/fd/${fd}/${socketName}`);
    try {
      await once(socket, 'connect');
      return socket;
    } catch (cause) {
      throw this.#unserved(cause);
    } finally {
      closeSync(fd);
    }
  }

  #unserved(cause?: unknown): TsrunError {
    return new TsrunError('ERR_TSRUN_STATE', `no process answers for the app ${show(this.#app)}`, { cause, hint: `its dynos live on; tsrun agent --app ${this.#app} takes them over` });
  }
}

/** A request that was made, and what comes of it. */
export class Conversation {
  readonly socket: Socket;
  readonly #untilClosed: boolean;
  readonly #unserved: (cause?: unknown) => TsrunError;

  /** @param untilClosed it ends when the owner has closed the connection */
  constructor(socket: Socket, untilClosed: boolean, unserved: (cause?: unknown) => TsrunError) {
    this.socket = socket;
    this.#untilClosed = untilClosed;
    this.#unserved = unserved;
  }

  /** Until all is told. @throws what the owner answers; ERR_TSRUN_STATE where it does not answer to the end */
  async *answers(): AsyncGenerator<Answer, undefined> {
    try {
      for await (const line of linesFrom(this.socket)) {
        const answer = parseLine(line);
        if (!isAnswer(answer)) continue;
        if ('error' in answer) throw errorOf(answer['error']);
        if (!('end' in answer)) {
          yield answer;
          continue;
        }
        if (this.#untilClosed && !this.socket.closed) await once(this.socket.resume(), 'close');
        return;
      }
    } catch (error) {
      throw TsrunError.is(error) ? error : this.#unserved(error);
    } finally {
      this.socket.destroy();
    }
    throw this.#unserved();
  }
}

function isAnswer(value: unknown): value is Answer {
  return typeof value === 'object' && value !== null;
}
