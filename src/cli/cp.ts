/** `tsrun cp` */
import { Readable, Writable } from 'node:stream';
import { isContainerId, TsrunError, type Copied, type CopyOptions, type Runtime } from '../index.js';
import { withRuntime } from './containers.js';
import { openCopyProgress } from './copy-progress.js';
import { interruptible } from './interruption.js';
import type { InputStream, Invocation, OutputStream } from './invocation.js';
import { quote } from './output.js';
import { containerNameForm } from './values/basic.js';

/** One of the two words of the command. */
export type CopyWord = { readonly container: string; readonly path: string } | { readonly hostPath: string } | 'stream';

export interface CopyRequest {
  readonly direction: 'in' | 'out';
  readonly container: string;
  readonly innerPath: string;
  /** Undefined: standard input or output. */
  readonly hostPath: string | undefined;
}

export async function run(invocation: Invocation): Promise<number> {
  const { flags: { archive = false, followLink = false, quiet = false }, positionals: [source = '', destination = ''], stderr, env } = invocation;
  const request = readRequest(source, destination);
  refuseTerminal(request, invocation);
  await withRuntime((runtime) => interruptible(async (signal) => {
    const progress = openCopyProgress(stderr, env, quiet);
    try {
      const copied = await copy(runtime, request, invocation, { archive, followLink, signal, onProgress: (bytes) => { progress.update(bytes); } });
      progress.finish(copied, destination);
    } finally {
      progress.close();
    }
  }));
  return 0;
}

async function copy(runtime: Runtime, { direction, container, innerPath, hostPath }: CopyRequest, { stdin, stdout }: Invocation, options: CopyOptions): Promise<Copied> {
  if (direction === 'in') return runtime.copyIn(container, hostPath ?? readableOf(stdin), innerPath, options);
  return runtime.copyOut(container, innerPath, hostPath ?? forwardTo(stdout), options);
}

function readableOf(stream: InputStream): Readable {
  return stream instanceof Readable ? stream : new Readable().wrap(stream);
}

/** It is not this command's to end. */
function forwardTo(stream: OutputStream): Writable {
  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      stream.write(chunk, (error) => { done(error); });
    },
  });
}

/** As docker reads them: what is before the first colon names a container, unless the word starts with a dot or a slash. */
export function readWord(word: string): CopyWord {
  if (word === '-') return 'stream';
  const colon = word.indexOf(':');
  if (colon < 0 || word.startsWith('/') || word.startsWith('.')) return { hostPath: word };
  return { container: word.slice(0, colon), path: word.slice(colon + 1) };
}

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function readRequest(sourceText: string, destinationText: string): CopyRequest {
  const [source, destination] = [readWord(sourceText), readWord(destinationText)];
  const [from, to] = [ofContainer(source), ofContainer(destination)];
  if (from !== undefined && to !== undefined) throw refusal('files are copied between a container and the host, and not between two containers', 'take two steps: tsrun cp ONE:PATH - | tsrun cp - OTHER:FOLDER');
  const inner = from ?? to;
  if (inner === undefined) throw refusal(`neither ${quote(sourceText)} nor ${quote(destinationText)} is in a container`, 'write one as CONTAINER:PATH');
  if (!isContainerId(inner.container)) throw refusal(`${quote(inner.container)} cannot be the name of a container`, `names have ${containerNameForm}; a path of the host with a colon starts with a slash or a dot: ./a:b`);
  if (inner.path === '') throw refusal(`no path in the container ${quote(inner.container)}`, `name one: ${inner.container}:/`);
  const outer = from === undefined ? source : destination;
  const hostPath = outer !== 'stream' && 'hostPath' in outer ? outer.hostPath : undefined;
  if (hostPath === '') throw refusal(`${from === undefined ? 'the source' : 'the destination'} is empty`, 'name a file or folder, or - for an archive');
  return { direction: from === undefined ? 'in' : 'out', container: inner.container, innerPath: inner.path, hostPath };
}

function ofContainer(word: CopyWord) {
  return word !== 'stream' && 'container' in word ? word : undefined;
}

function refusal(message: string, hint: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { hint });
}

function refuseTerminal({ direction, container, hostPath }: CopyRequest, { stdin, stdout }: Invocation): void {
  if (hostPath !== undefined) return;
  if (direction === 'out' && stdout.isTTY === true) throw refusal('an archive is no text for a terminal', `send it on: tsrun cp ${container}:PATH - | tar -t`);
  if (direction === 'in' && stdin.isTTY === true) throw refusal('no archive to copy: standard input is a terminal', `send one: tar -c . | tsrun cp - ${container}:FOLDER`);
}
