/** Asks the process that owns a formation for what it does. */
import { closeSync, constants, openSync } from 'node:fs';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { stateRootToLookAt } from '../../container/state/state-root.js';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import type { LogLine } from '../log/line.js';
import { isLine } from '../survival/journal-entries.js';
import { errorOf } from './carried-error.js';
import { dynoSummary, isOf, linesFrom, parseLine, socketName, type DynoSummary, type Request } from './protocol.js';

/** What of the log of a formation in another process is wanted. */
export interface ClientLogOptions {
  /** How many of the lines that were there before. Default: all that are kept, 1500. */
  readonly past?: number;
  /** None from before that: milliseconds since 1970. */
  readonly sinceMs?: number;
  /** Only those of this dyno (`web.1`), or of this process type. */
  readonly dyno?: string;
  /** What comes, too. Default false. */
  readonly follow?: boolean;
  /** Ends the reading. */
  readonly signal?: AbortSignal;
}

/**
 * A formation that another process owns and serves (`serveFormation`, `tsrun up --detach`). Each call is a connection of its own.
 *
 * @example
 * import { Formation, FormationClient, Runtime, serveFormation } from 'tsrun';
 * await using runtime = await Runtime.open();
 * await using formation = await Formation.start(runtime, './rootfs', { name: 'my-app', survive: true, processTypes: { job: { command: 'sleep 1000' } }, quantities: { job: 1 } });
 * const server = await serveFormation(formation);
 * const app = new FormationClient('my-app'); // in another process
 * await app.scale({ job: 2 });
 * for (const { name, state } of await app.dynos()) console.log(name, state);
 * server.close();
 */
export class FormationClient {
  /** Of the formation. */
  readonly name: string;
  readonly #folder: string;

  /** @param options `root`: the state root; default as `Runtime.open` has it */
  constructor(name: string, options: { readonly root?: string } = {}) {
    this.name = name;
    this.#folder = stateRootToLookAt(options.root).formationPath(name);
  }

  /**
   * Its dynos, by type and number.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`; `ERR_TSRUN_STATE` where nobody owns it, or its owner does not serve
   */
  async dynos(): Promise<readonly DynoSummary[]> {
    const dynos: DynoSummary[] = [];
    for await (const dyno of this.#ask({ op: 'dynos' }, (item) => (isOf(dynoSummary, item) ? item : undefined))) dynos.push(dyno);
    return dynos;
  }

  /** As `Formation.scale`. @throws TsrunError as `dynos`, and as that */
  async scale(quantities: Readonly<Record<string, number>>): Promise<void> {
    await this.#do({ op: 'scale', quantities });
  }

  /** As `Formation.restart`. @throws TsrunError as `dynos`, and as that */
  async restart(which?: string): Promise<void> {
    await this.#do({ op: 'restart', ...(which !== undefined && { which }) });
  }

  /** As `Formation.stop`; resolves when its owner has closed its socket as well. @throws TsrunError as `dynos` */
  async stop(): Promise<void> {
    await this.#do({ op: 'stop' });
  }

  /**
   * As `Formation.logs`; with `follow` until the formation is stopped, its owner ends, or the signal is aborted.
   *
   * @throws TsrunError as `dynos`; `ERR_TSRUN_STATE` also when its owner ends before the formation does
   */
  async *logs({ signal, follow = false, ...options }: ClientLogOptions = {}): AsyncGenerator<LogLine, undefined> {
    yield* this.#ask({ op: 'logs', follow, ...options }, (item) => (isLine(item) ? item : undefined), signal);
  }

  async #do(request: Request): Promise<void> {
    for await (const _ of this.#ask(request, () => undefined)) return;
  }

  async *#ask<T>(request: Request, read: (item: unknown) => T | undefined, signal?: AbortSignal): AsyncGenerator<T, undefined> {
    const socket = await this.#connect();
    const stop = () => {
      socket.destroy();
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      socket.write(`${JSON.stringify(request)}\n`);
      for await (const line of linesFrom(socket)) {
        const answer = parseLine(line);
        if (typeof answer !== 'object' || answer === null) continue;
        if ('error' in answer) throw errorOf(answer.error);
        const item = 'item' in answer ? read(answer.item) : undefined;
        if (item !== undefined) yield item;
        if (!('end' in answer)) continue;
        if (request.op === 'stop' && !socket.closed) await once(socket.resume(), 'close');
        return;
      }
      if (signal?.aborted !== true) throw this.#unserved();
    } catch (error) {
      if (signal?.aborted !== true) throw TsrunError.is(error) ? error : this.#unserved(error);
    } finally {
      signal?.removeEventListener('abort', stop);
      socket.destroy();
    }
  }

  /** By the folder's descriptor, as the owner does. */
  async #connect(): Promise<Socket> {
    let fd: number;
    try {
      fd = openSync(this.#folder, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
    } catch (cause) {
      if (errnoName(cause) !== 'ENOENT') throw cause;
      throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no app ${show(this.name)}`, { cause, hint: 'tsrun up --detach starts one' });
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
    return new TsrunError('ERR_TSRUN_STATE', `no process answers for the app ${show(this.name)}`, { cause, hint: `its dynos live on; tsrun agent --app ${this.name} takes them over` });
  }
}
