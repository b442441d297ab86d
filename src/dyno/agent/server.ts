/** Lets other processes of the same user ask for what a formation does, over a socket in its folder. */
import { chmodSync, closeSync, constants, openSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { TsrunError } from '../../spec/errors.js';
import type { Formation } from '../formation.js';
import type { Dyno } from '../dyno.js';
import type { LogLine } from '../log/line.js';
import { errorJson } from './carried-error.js';
import { answerAttach, answerKill, answerRun, answerWait, oneOffOf } from './one-off-answers.js';
import { linesFrom, parseRequest, send, socketName, type DynoSummary, type LogRequest, type Request } from './protocol.js';

const mostConnections = 64;

/** Made by `serveFormation`. */
export class FormationServer {
  /** Resolves when somebody has asked for the end of the formation, and nothing of it runs any more. */
  readonly stopped: Promise<void>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #folderFd: number;
  readonly #formation: Formation;
  #onStopped: () => void = () => undefined;

  /** @internal */
  constructor(formation: Formation, folderFd: number) {
    this.#formation = formation;
    this.#folderFd = folderFd;
    this.stopped = new Promise((resolve) => {
      this.#onStopped = resolve;
    });
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      // Whoever asked may go at any time.
      socket.on('error', () => undefined);
      void this.#serve(socket);
    });
    this.#server.maxConnections = mostConnections;
  }

  /** @internal */
  async listen(): Promise<void> {
    // By the folder's descriptor: its path may be longer than the name of a socket (unix(7)).
    const path = `/proc/self/fd/${this.#folderFd}/${socketName}`;
    // Of an owner that was killed; whoever owns the formation is alone.
    rmSync(path, { force: true });
    this.#server.listen(path);
    await once(this.#server, 'listening');
    chmodSync(path, 0o600);
  }

  /** Takes no more requests, and leaves those that wait for an answer without one. */
  close(): void {
    if (!this.#server.listening) return;
    this.#server.close(() => {
      closeSync(this.#folderFd);
    });
    for (const socket of this.#sockets) socket.destroy();
  }

  async #serve(socket: Socket): Promise<void> {
    try {
      const lines = linesFrom(socket.iterator({ destroyOnReturn: false }));
      const first = await lines.next();
      const request = parseRequest(first.done === true ? '' : first.value);
      if (request.op === 'attach') await answerAttach(oneOffOf(this.#formation, request.oneOff), socket, lines);
      else {
        void passOver(lines);
        await this.#answer(request, socket);
      }
      await send(socket, { end: true });
      // The end of the connection tells that of this process.
      if (request.op === 'stop') this.#onStopped();
      else socket.end();
    } catch (error) {
      await send(socket, { error: errorJson(error) });
      socket.end();
    }
  }

  async #answer(request: Exclude<Request, { readonly op: 'attach' }>, socket: Socket): Promise<void> {
    switch (request.op) {
      case 'dynos':
        for (const dyno of this.#formation.dynos) await send(socket, { item: summary(dyno) });
        break;
      case 'one-offs':
        for (const { dyno } of this.#formation.oneOffs) await send(socket, { item: summary(dyno) });
        break;
      case 'run':
        await answerRun(this.#formation, request, socket);
        break;
      case 'wait':
        await answerWait(oneOffOf(this.#formation, request.oneOff), socket);
        break;
      case 'kill':
        await answerKill(oneOffOf(this.#formation, request.oneOff), request.signal);
        break;
      case 'end':
        await oneOffOf(this.#formation, request.oneOff).stop();
        break;
      case 'scale':
        await this.#formation.scale(request.quantities);
        break;
      case 'restart':
        await this.#formation.restart(request.which, request.options);
        break;
      case 'redeploy':
        await this.#formation.redeploy(request.options);
        break;
      case 'stop':
        await this.#formation.stop();
        break;
      case 'logs':
        await this.#sendLogs(request, socket);
        break;
    }
  }

  async #sendLogs({ past, sinceMs = 0, dyno, follow }: LogRequest, socket: Socket): Promise<void> {
    const gone = new AbortController();
    socket.once('close', () => {
      gone.abort();
    });
    const isMeant = (line: LogLine) => line.timeMs >= sinceMs && (dyno === undefined || line.dyno === dyno || line.dyno.startsWith(`${dyno}.`));
    // Both from this moment: no line is between them.
    const [before, coming] = [this.#formation.logs({ signal: AbortSignal.abort() }), this.#formation.logs({ past: 0, signal: follow ? gone.signal : AbortSignal.abort() })];
    const lines: LogLine[] = [];
    for await (const line of before) if (isMeant(line)) lines.push(line);
    // What dynos printed while nobody owned them was read of one after the other.
    lines.sort((a, b) => a.timeMs - b.timeMs);
    for (const item of past === undefined ? lines : lines.slice(Math.max(0, lines.length - past))) await send(socket, { item });
    for await (const item of coming) if (isMeant(item)) await send(socket, { item });
  }
}

/**
 * Has the formation of this process answer `FormationClient`, and so `tsrun ps`, `logs`, `scale`, `restart` and `stop`: over a socket that
 * its user alone can reach. Close it before the formation is left.
 *
 * @throws TsrunError `ERR_TSRUN_STATE` unless the formation was started with `survive`, or adopted
 *
 * @example
 * import { Formation, FormationClient, Runtime, serveFormation } from 'tsrun';
 * await using runtime = await Runtime.open();
 * await using formation = await Formation.start(runtime, './rootfs', { name: 'served', survive: true, processTypes: { job: { command: 'sleep 1000' } }, quantities: { job: 1 } });
 * const server = await serveFormation(formation);
 * const client = new FormationClient('served'); // as another process would
 * await client.scale({ job: 2 });
 * console.log((await client.dynos()).map(({ name }) => name)); // [ 'job.1', 'job.2' ]
 * server.close();
 */
export async function serveFormation(formation: Formation): Promise<FormationServer> {
  const { statePath } = formation;
  if (statePath === undefined) throw new TsrunError('ERR_TSRUN_STATE', 'the formation has no folder of its own for a socket', { hint: 'start it with survive' });
  const server = new FormationServer(formation, openSync(statePath, constants.O_RDONLY | constants.O_DIRECTORY));
  await server.listen();
  return server;
}

function summary({ name, type, number, state, sinceMs, command, container, crashes, restarts, nextRestartAtMs, lastDeath }: Dyno): DynoSummary {
  return {
    name, type, number, state, sinceMs, command, crashes, restarts,
    ...(container !== undefined && { container: container.id, pid: container.pid }),
    ...(nextRestartAtMs !== undefined && { nextRestartAtMs }),
    ...(lastDeath !== undefined && { lastDeath: { cause: lastDeath.cause, code: lastDeath.code } }),
  };
}

/** Only who reads sees that the other end has gone. */
async function passOver(lines: AsyncIterator<string>): Promise<void> {
  try {
    while ((await lines.next()).done !== true);
  } catch {
    // Nobody asked for it.
  }
}
