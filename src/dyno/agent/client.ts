/** Asks the process that owns a formation for what it does. */
import type { LogLine } from '../log/line.js';
import type { OneOffCommand, OneOffOptions } from '../one-off/one-off-options.js';
import { isLine } from '../survival/journal-entries.js';
import type { RedeployOptions } from '../redeploy.js';
import type { RestartOptions } from '../serving/options.js';
import { Owner } from './owner.js';
import { dynoSummary, isOf, type DynoSummary, type Request } from './protocol.js';
import { RemoteOneOff } from './remote-one-off.js';

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
  readonly #owner: Owner;

  /** @param options `root`: the state root; default as `Runtime.open` has it */
  constructor(name: string, options: { readonly root?: string } = {}) {
    this.name = name;
    this.#owner = new Owner(name, options.root);
  }

  /**
   * Its dynos, by type and number.
   *
   * @throws TsrunError `ERR_TSRUN_NOT_FOUND`; `ERR_TSRUN_STATE` where nobody owns it, or its owner does not serve
   */
  async dynos(): Promise<readonly DynoSummary[]> {
    return this.#summaries('dynos');
  }

  /** Its one-off dynos that have not ended. @throws TsrunError as `dynos` */
  async oneOffs(): Promise<readonly DynoSummary[]> {
    return this.#summaries('one-offs');
  }

  /**
   * As `Formation.run`: the program runs beside the dynos, and its owner keeps it, whatever becomes of this process.
   *
   * @throws TsrunError as `dynos`, and as that
   */
  async run(command: OneOffCommand, options: OneOffOptions = {}): Promise<RemoteOneOff> {
    return RemoteOneOff.from(this.#owner, { op: 'run', command, options });
  }

  /** One that has not ended, by its name: `run.1234`. @throws TsrunError as `dynos`; `ERR_TSRUN_NOT_FOUND` also where there is none of that name */
  async oneOff(name: string): Promise<RemoteOneOff> {
    return RemoteOneOff.from(this.#owner, { op: 'wait', oneOff: name });
  }

  /** As `Formation.scale`. @throws TsrunError as `dynos`, and as that */
  async scale(quantities: Readonly<Record<string, number>>): Promise<void> {
    await this.#owner.do({ op: 'scale', quantities });
  }

  /** As `Formation.restart`. @throws TsrunError as `dynos`, and as that */
  async restart(which?: string, options: RestartOptions = {}): Promise<void> {
    await this.#owner.do({ op: 'restart', options, ...(which !== undefined && { which }) });
  }

  /** As `Formation.redeploy`; paths are absolute, as its owner may be in another folder. @throws TsrunError as `dynos`, and as that */
  async redeploy(options: RedeployOptions): Promise<void> {
    await this.#owner.do({ op: 'redeploy', options });
  }

  /** As `Formation.stop`; resolves when its owner has closed its socket as well. @throws TsrunError as `dynos` */
  async stop(): Promise<void> {
    await this.#owner.do({ op: 'stop' });
  }

  /**
   * As `Formation.logs`; with `follow` until the formation is stopped, its owner ends, or the signal is aborted.
   *
   * @throws TsrunError as `dynos`; `ERR_TSRUN_STATE` also when its owner ends before the formation does
   */
  async *logs({ signal, follow = false, ...options }: ClientLogOptions = {}): AsyncGenerator<LogLine, undefined> {
    yield* this.#ask({ op: 'logs', follow, ...options }, (item) => (isLine(item) ? item : undefined), signal);
  }

  async *#ask<T>(request: Request, read: (item: unknown) => T | undefined, signal?: AbortSignal): AsyncGenerator<T, undefined> {
    const conversation = await this.#owner.ask(request);
    const stop = () => {
      conversation.socket.destroy();
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      for await (const answer of conversation.answers()) {
        const item = read(answer['item']);
        if (item !== undefined) yield item;
      }
    } catch (error) {
      if (signal?.aborted !== true) throw error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  async #summaries(op: 'dynos' | 'one-offs'): Promise<readonly DynoSummary[]> {
    const dynos: DynoSummary[] = [];
    for await (const dyno of this.#ask({ op }, (item) => (isOf(dynoSummary, item) ? item : undefined))) dynos.push(dyno);
    return dynos;
  }
}
