// Pairs of real sockets on loopback, and a dyno as a service sees it.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Backend } from '../../../src/dyno/serving/backends.js';
import type { DynoState } from '../../../src/dyno/life-record.js';
import type { Prospect } from '../../../src/dyno/life-settings.js';

export async function listen(onConnection: (socket: Socket) => void): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    onConnection(socket);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server;
}

export function portOf(server: Server): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('it does not listen');
  return address.port;
}

export async function dial(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

/** All that it says, without closing the other half, as `text` would. */
export async function readAll(socket: Socket): Promise<string> {
  const pieces: Buffer[] = [];
  socket.on('data', (piece: Buffer) => pieces.push(piece));
  await once(socket, 'end');
  return Buffer.concat(pieces).toString();
}

/** How it ends; undefined: without an error. */
export async function errorOf(socket: Socket): Promise<unknown> {
  socket.resume();
  if (!socket.closed) await once(socket, 'close').catch(() => undefined);
  return socket.errored ?? undefined;
}

export interface Pair {
  readonly near: Socket;
  readonly far: Socket;
}

/** Both ends of one connection. */
export async function pair(): Promise<Pair> {
  const server = createServer({ allowHalfOpen: true });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const near = await dial(portOf(server));
  const far = await accepted;
  server.close();
  for (const socket of [near, far]) socket.on('error', () => undefined);
  return { near, far };
}

/** Says what it is told of, and connects to a server of the test's. */
export class FakeDyno implements Backend {
  readonly name: string;
  readonly said: string[] = [];
  state: DynoState = 'up';
  prospect: Prospect = 'serves';
  nextRestartAtMs: number | undefined;
  container: object | undefined = {};
  /** Absent: refuses. */
  port: number | undefined;
  isAsleep = false;

  constructor(name: string, port?: number) {
    this.name = name;
    this.port = port;
  }

  readonly connect = async (innerPort: number) => {
    this.said.push(`connect ${innerPort}`);
    if (this.port === undefined) throw new Error('ECONNREFUSED');
    return dial(this.port);
  };

  readonly sleep = () => {
    if (this.prospect !== 'serves') return;
    this.said.push('sleep');
    this.become('down', 'none');
    this.isAsleep = true;
  };

  readonly wake = () => {
    if (!this.isAsleep) return;
    this.isAsleep = false;
    this.said.push('wake');
    this.become('starting', 'comes');
  };

  become(state: DynoState, prospect: Prospect): void {
    this.container = state === 'up' ? (this.container ?? {}) : undefined;
    [this.state, this.prospect] = [state, prospect];
  }
}
