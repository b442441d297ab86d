/** A one-off dyno of a formation that another process owns. */
import type { Socket } from 'node:net';
import { TsrunError } from '../../spec/errors.js';
import type { Attachment } from '../one-off/attachment.js';
import type { Owner } from './owner.js';
import { dynoEnd, isOf, type DynoEnd, type Request } from './protocol.js';
import { RemoteClient } from './remote-client.js';

/**
 * A one-off dyno that another process owns, of `FormationClient.run` or `oneOff`.
 *
 * @example
 * import { text } from 'node:stream/consumers';
 * import { Formation, FormationClient, Runtime, serveFormation } from 'tsrun';
 * await using runtime = await Runtime.open();
 * await using formation = await Formation.start(runtime, './rootfs', { name: 'visited', survive: true, quantities: {} });
 * const server = await serveFormation(formation);
 * const oneOff = await new FormationClient('visited').run('echo "$DYNO"; exit 3', { attach: true, type: 'task' }); // as another process would
 * console.log((await text(await oneOff.attach())) === `${oneOff.name}\n`); // true
 * console.log((await oneOff.exited).code); // 3
 * server.close();
 */
export class RemoteOneOff {
  /** `run.1234` */
  readonly name: string;
  readonly #owner: Owner;
  readonly #exited: Promise<DynoEnd>;
  readonly #socket: Socket;

  private constructor(owner: Owner, name: string, exited: Promise<DynoEnd>, socket: Socket) {
    [this.#owner, this.name, this.#exited, this.#socket] = [owner, name, exited, socket];
    // Who does not ask how it ends need not know that nobody can tell.
    exited.catch(() => undefined);
    socket.unref();
  }

  /** @internal */
  static async from(owner: Owner, request: Extract<Request, { readonly op: 'run' | 'wait' }>): Promise<RemoteOneOff> {
    const conversation = await owner.ask(request);
    const answers = conversation.answers();
    const next = async () => (await answers.next()).value?.['item'];
    const name = await next();
    if (typeof name !== 'string') throw strange();
    const exited = next().then((end) => {
      conversation.socket.destroy();
      if (isOf(dynoEnd, end)) return end;
      throw strange();
    });
    return new RemoteOneOff(owner, name, exited, conversation.socket);
  }

  /** How it ends. @throws TsrunError `ERR_TSRUN_STATE` where its owner ends before it; the dyno ends with that */
  get exited(): Promise<DynoEnd> {
    // This alone keeps the process waiting.
    this.#socket.ref();
    return this.#exited;
  }

  /** As `OneOff.attach`: to end this process, or the connection, is a client that is lost. @throws TsrunError as that; `ERR_TSRUN_STATE` also where nobody answers */
  async attach(): Promise<Attachment> {
    return RemoteClient.attach(await this.#owner.ask({ op: 'attach', oneOff: this.name }));
  }

  /** Sends a signal to its program. @throws TsrunError `ERR_TSRUN_STATE` where that does not run; `ERR_TSRUN_NOT_FOUND` when it has ended */
  async kill(signal: string | number = 'SIGKILL'): Promise<void> {
    await this.#owner.do({ op: 'kill', oneOff: this.name, signal });
  }

  /** As `OneOff.stop`. @throws TsrunError `ERR_TSRUN_NOT_FOUND` when it has ended; `ERR_TSRUN_STATE` where nobody answers */
  async stop(): Promise<void> {
    await this.#owner.do({ op: 'end', oneOff: this.name });
  }
}

function strange(): TsrunError {
  return new TsrunError('ERR_TSRUN_STATE', 'the owner of the formation has answered in words that this version of tsrun does not know');
}
