/** What health checks do to a live container. */
import type { Readable } from 'node:stream';
import type { Container } from '../../container/container.js';
import { printable } from '../../spec/quote.js';
import type { HealthProbe } from './health-options.js';

type HttpProbe = Extract<HealthProbe, { type: 'http' }>;

/** As docker keeps of what a check prints. */
const keptBytes = 4096;
const shownCharacters = 200;
const bodyBytes = 65_536;

/** Undefined where all is well, else why not. @param port where the probe names none */
export async function probeHealth(container: Container, probe: HealthProbe, port: number, signal: AbortSignal): Promise<string | undefined> {
  switch (probe.type) {
    case 'tcp':
      (await container.connect(probe.port ?? port)).destroy();
      return undefined;
    case 'http':
      return get(container, probe, probe.port ?? port, signal);
    case 'exec':
      return execute(container, probe.command, signal);
    case 'alive':
      return undefined;
  }
}

/** As the log has it. */
export function describeProbe(probe: HealthProbe): string {
  switch (probe.type) {
    case 'tcp':
      return probe.port === undefined ? 'tcp' : `tcp :${probe.port}`;
    case 'http':
      return `http ${probe.port === undefined ? '' : `:${probe.port}`}${probe.path ?? '/'}`;
    case 'exec':
      return printable(typeof probe.command === 'string' ? probe.command : probe.command.join(' '), shownCharacters);
    case 'alive':
      return 'alive';
  }
}

async function get(container: Container, { path = '/', contains, headers = {} }: HttpProbe, port: number, signal: AbortSignal): Promise<string | undefined> {
  const [{ request }, socket] = await Promise.all([import('node:http'), container.connect(port)]);
  try {
    return await new Promise<string | undefined>((resolve, reject) => {
      const all = { host: `localhost:${port}`, connection: 'close', 'user-agent': 'tsrun-health', ...headers };
      const call = request({ createConnection: () => socket, path, headers: all, signal }, (response) => {
        const { statusCode = 0 } = response;
        if (statusCode < 200 || statusCode > 399) resolve(`status ${statusCode}`);
        else if (contains === undefined) resolve(undefined);
        else {
          beginning(response, bodyBytes).then((body) => {
            resolve(body.includes(contains) ? undefined : `its answer does not contain "${printable(contains, shownCharacters)}"`);
          }, reject);
        }
      });
      call.once('error', reject);
      call.end();
    });
  } finally {
    socket.destroy();
  }
}

/** What follows is not waited for. */
async function beginning(stream: AsyncIterable<Buffer>, mostBytes: number): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  for await (const piece of stream) {
    pieces.push(piece);
    size += piece.length;
    if (size >= mostBytes) break;
  }
  return Buffer.concat(pieces).toString('utf8', 0, mostBytes);
}

async function execute(container: Container, command: string | readonly string[], signal: AbortSignal): Promise<string | undefined> {
  const process = await container.exec(typeof command === 'string' ? ['/bin/sh', '-c', command] : command);
  const gone = new Promise<void>((resolve) => {
    const kill = () => {
      process.kill('SIGKILL').catch(() => undefined);
      resolve();
    };
    if (signal.aborted) kill();
    else signal.addEventListener('abort', kill, { once: true });
  });
  const texts = Promise.all([process.stdout, process.stderr].map(kept));
  const { code } = await process.exited;
  if (code === 0) return undefined;
  // A program that it left behind may hold the pipe open.
  const said = (await Promise.race([texts, gone.then(() => [])])).join('').trim();
  return `exit code ${code}${said === '' ? '' : `: ${printable(said, shownCharacters)}`}`;
}

/** All of it is read, and its beginning kept. */
async function kept(stream: Readable | null): Promise<string> {
  const pieces: Buffer[] = [];
  let size = 0;
  stream?.on('data', (piece: Buffer) => {
    if (size < keptBytes) pieces.push(piece);
    size += piece.length;
  });
  if (stream !== null) await new Promise<void>((resolve) => stream.once('close', resolve));
  return Buffer.concat(pieces).toString('utf8', 0, keptBytes);
}
