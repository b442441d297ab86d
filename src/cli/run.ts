/** `tsrun run` */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { Runtime, TsrunError, type Container, type ExitStatus, type RunOptions } from '../index.js';
import { runtimeOptions } from './containers.js';
import { tellExit } from './failure.js';
import { showFetching } from './fetching.js';
import type { Invocation, OutputStream } from './invocation.js';
import { humanDuration, humanSize, painter, quote } from './output.js';
import { accompany } from './program/accompany.js';
import { backgroundStreams, foregroundStreams } from './program/streams.js';
import { requireTerminal, windowSize } from './program/terminal.js';
import { tell } from './tell.js';

const ownFailure = 125;

export async function run(invocation: Invocation): Promise<number> {
  const { flags } = invocation;
  if (flags.appName !== undefined) return (await import('./one-off.js')).runOneOff(invocation);
  if (flags.sizes !== undefined) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'a size is of dynos', { hint: 'limit a container by --memory, --cpus and --pids-limit; --app NAME runs a one-off dyno of an app' });
  requireTerminal(invocation);
  const idFile = flags.cidfile === undefined ? undefined : new IdFile(flags.cidfile);
  let container: Container | undefined;
  try {
    const runtime = await Runtime.open(runtimeOptions(flags));
    try {
      container = await start(runtime, invocation);
      idFile?.write(container.id);
      try {
        return await (flags.detach === true ? printId(container, invocation) : stay(container, invocation));
      } finally {
        if (container.timings !== undefined) (await import('./timings.js')).showTimings(container, invocation);
      }
    } finally {
      await runtime.close();
    }
  } finally {
    idFile?.close(container === undefined);
  }
}

async function start(runtime: Runtime, invocation: Invocation): Promise<Container> {
  return showFetching(invocation, async (onImageProgress) => runtime.run(invocation.positionals[0] ?? '', { ...runOptions(invocation), onImageProgress }));
}

function runOptions(invocation: Invocation): RunOptions {
  const { flags, options: given } = invocation;
  const interactive = flags.interactive === true;
  const onWarning = (warning: string) => {
    const { stderr, env } = invocation;
    tell(stderr, `${painter(stderr, env)('yellow', 'tsrun: warning:')} ${warning}\n`);
  };
  const options = { ...given, onWarning };
  if (flags.detach === true) return { ...options, ...backgroundStreams(interactive) };
  // With a log the launcher reads the terminal too, so that somebody may leave it and come back.
  if (flags.tty === true) return { ...options, terminal: windowSize(invocation) ?? true, log: true };
  // For a person at a terminal it is copied anyway, so that it may as well be kept for others.
  return { ...options, ...foregroundStreams(interactive), log: invocation.atTerminal === true };
}

function printId({ id }: Container, { flags, stdout }: Invocation): number {
  stdout.write(flags.json === true ? `${JSON.stringify({ id })}\n` : `${id}\n`);
  return 0;
}

async function stay(container: Container, invocation: Invocation): Promise<number> {
  const { flags, options } = invocation;
  const status = await accompany({ program: container, world: invocation, input: flags.interactive === true, whenHungUp: () => void container.stop({ signal: 'SIGHUP' }) });
  if (status === undefined) return detach(container, invocation.stderr);
  if (status.cause === 'oom') tell(invocation.stderr, `tsrun: ${outOfMemory(container, status)}\n`);
  if (status.cause === 'timeout') tell(invocation.stderr, `tsrun: the program was stopped, its time of ${humanDuration(options.timeoutMs ?? 0)} being over\n`);
  if (status.cause === 'lost') tell(invocation.stderr, 'tsrun: the launcher was killed, and the container with it\n');
  await tellExit(container, invocation);
  // Standard output is the program's alone, to the byte.
  if (flags.json === true) invocation.stderr.write(`${JSON.stringify({ id: container.id, ...status, ...(container.timings !== undefined && { timings: container.timings }) })}\n`);
  return status.cause === 'lost' ? ownFailure : status.code;
}

async function detach(container: Container, stderr: OutputStream): Promise<number> {
  try {
    await container.keep();
  } catch (error) {
    // It ended just now, or it cannot be kept: then it ends with us, and that is to be said.
    if (container.exitStatus === undefined) throw error;
    return container.exitStatus.code;
  }
  tell(stderr, `\ntsrun: detached; ${quote(container.id)} goes on, and tsrun attach comes back to it\n`);
  return 0;
}

function outOfMemory({ record }: Container, { oomKills }: ExitStatus): string {
  const limit = record.spec.linux?.resources?.memory?.limit;
  const held = limit === undefined ? '' : ` of ${humanSize(limit)}`;
  return `the kernel killed the program for want of memory: its limit${held} was reached (${oomKills} killed)`;
}

/** `--cidfile`: made before the container, so that a start that cannot be noted does not happen. */
class IdFile {
  readonly #path: string;
  readonly #fd: number;

  constructor(path: string) {
    this.#path = path;
    try {
      this.#fd = openSync(path, 'wx', 0o644);
    } catch (cause) {
      const exists = cause instanceof Error && 'code' in cause && cause.code === 'EEXIST';
      const message = exists ? `the file ${quote(path)} for the name of the container exists` : `the file ${quote(path)} cannot be made`;
      const hint = exists ? 'it may name a container that is still wanted: remove it, or choose another' : 'give a path in a folder that is there and can be written to';
      throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { cause, hint });
    }
  }

  write(id: string): void {
    writeSync(this.#fd, id);
  }

  close(unused: boolean): void {
    closeSync(this.#fd);
    if (unused) rmSync(this.#path, { force: true });
  }
}
