/** The streams that a CRI server gives to who asks for exec, attach or port-forward, taken as kubectl takes them through a kubelet. */
import { spawn } from 'node:child_process';
import { Duplex } from 'node:stream';
import { json, text } from 'node:stream/consumers';
import type { Message } from './cri.js';
import { fixture } from './lab.js';
import type { EngineLab } from './engines.js';
import { SpdyConnection, type SpdyStream } from './spdy.js';

export interface Session {
  readonly stdin: SpdyStream;
  readonly stdout: SpdyStream;
  /** None beside a terminal. */
  readonly stderr: SpdyStream | undefined;
  /** For a terminal only. */
  resize(columns: number, rows: number): void;
  /** What the server says of the end: `Success`, an exit status, or why there is none. */
  readonly outcome: Promise<number | string>;
}

/** Of exec or attach; the request that led to `url` asked for the same streams. */
export async function openSession(lab: EngineLab, url: unknown, isTerminal = false): Promise<Session> {
  const connection = await connect(lab, url, 'v4.channel.k8s.io');
  const open = (streamType: string) => connection.open({ streamType });
  const end = json(open('error'));
  const [stdin, stdout] = [open('stdin'), open('stdout')];
  const [stderr, sizes] = isTerminal ? [undefined, open('resize')] : [open('stderr'), undefined];
  return {
    stdin, stdout, stderr,
    resize: (Width, Height) => sizes?.write(JSON.stringify({ Width, Height })),
    outcome: end.then(outcomeOf),
  };
}

/** What a port of a pod answers to a request, and what the server says of a failure. */
export async function throughPort(lab: EngineLab, url: unknown, port: number, request: string): Promise<readonly [answer: string, failure: string]> {
  const connection = await connect(lab, url, 'portforward.k8s.io');
  const open = (streamType: string) => connection.open({ streamType, port: String(port), requestID: '0' });
  const failure = open('error').end();
  const data = open('data');
  data.write(request);
  const heard = await Promise.all([text(data), text(failure)]);
  connection.close();
  return heard;
}

/** The server listens on its machine's loopback alone. */
async function connect(lab: EngineLab, answer: unknown, protocol: string): Promise<SpdyConnection> {
  const url = new URL(String(answer));
  const [command = '', ...args] = lab.entering([`${fixture('busybox')}/bin/busybox`, 'nc', url.hostname, url.port]);
  const relay = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  return SpdyConnection.upgrade(Duplex.from({ writable: relay.stdin, readable: relay.stdout }), url, protocol);
}

function outcomeOf(status: unknown): number | string {
  const { status: word, message, details }: Message = { ...(typeof status === 'object' ? status : {}) };
  const causes = typeof details === 'object' && details !== null && 'causes' in details ? JSON.stringify(details.causes) : '';
  const code = /"ExitCode","message":"(\d+)"/.exec(causes)?.[1];
  if (word === 'Success') return word;
  return code === undefined ? String(message) : Number(code);
}
