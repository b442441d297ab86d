/** What can become of a connection to a launcher, and of one request. */
import type { Request } from '../plan/wire.generated.js';
import { systemErrorName } from '../spec/errno.js';
import { TsrunError } from '../spec/errors.js';

const esrch = 3;

export function lost(): TsrunError {
  return new TsrunError('ERR_TSRUN_LAUNCHER_LOST', 'the launcher is gone', {
    hint: 'it was killed, or it crashed: open the runtime again; what it left behind is removed then',
  });
}

export function closed(): TsrunError {
  return new TsrunError('ERR_TSRUN_STATE', 'the runtime is closed', { hint: 'open another; a container that survives can be adopted there' });
}

/** The `syscall` and `errno` of what the addon throws. */
function failedCall(error: unknown): { readonly syscall: string; readonly name: string } | undefined {
  if (!(error instanceof Error) || !('syscall' in error) || !('errno' in error)) return undefined;
  return typeof error.syscall === 'string' && typeof error.errno === 'number' ? { syscall: error.syscall, name: systemErrorName(error.errno) } : undefined;
}

/** Of this process, of the host, and of descriptors on their way (unix(7)). */
const wantsOfDescriptors: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ETOOMANYREFS']);

function hostFault(what: string, syscall: string, name: string, cause?: unknown): TsrunError {
  const [why, hint] = wantsOfDescriptors.has(name)
    ? [`no descriptor is left (${name})`, 'raise the limit of open files: ulimit -n']
    : [`${syscall} says ${name}`, `see ${syscall}(2) for what ${name} means there, and tsrun doctor`];
  return new TsrunError('ERR_TSRUN_HOST', `${what}: ${why}`, { hint, cause });
}

/** A call of the addon failed; anything else that was thrown is given back. */
export function hostRefused(what: string, error: unknown): unknown {
  const failed = failedCall(error);
  return failed === undefined ? error : hostFault(what, failed.syscall, failed.name, error);
}

/** sendmsg(2) on the launcher's socket. */
export function unsent(errno: number): TsrunError {
  const name = systemErrorName(errno);
  if (name === 'EPIPE' || name === 'ECONNRESET') return lost();
  if (name === 'EBADF') {
    return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', 'a descriptor that was given is not open (EBADF)', { hint: 'keep what is passed on open until the start is done' });
  }
  return hostFault('the launcher cannot be asked', 'sendmsg', name);
}

/** Bun (1.4) takes no notice of the descriptor that a socket is made of: nothing would ever be heard from the launcher. */
export function deaf(): TsrunError {
  return new TsrunError('ERR_TSRUN_UNSUPPORTED', 'this JavaScript runtime cannot make a net.Socket of a descriptor', { hint: 'use Node 20.19 or newer; Bun does not have that yet' });
}

/** What the launcher said could not be understood, or what hears of it failed: nothing after that can be relied on. */
export function broken(cause: unknown): TsrunError {
  return new TsrunError('ERR_TSRUN_LAUNCHER_LOST', 'the connection to the launcher was given up', { hint: 'the cause says why; open the runtime again', cause });
}

/** The kernel closes descriptors for which there is no room where they arrive (unix(7)). */
export function noRoom(): TsrunError {
  return new TsrunError('ERR_TSRUN_HOST', 'descriptors of the launcher did not arrive: too many files are open', { hint: 'raise the limit of open files: ulimit -n' });
}

export function refused(errno: number, op: Request['op']): TsrunError {
  const name = systemErrorName(errno);
  if (errno === esrch) return new TsrunError('ERR_TSRUN_STATE', 'the container has ended');
  if (op === 'adopt' && name === 'EBUSY') {
    return new TsrunError('ERR_TSRUN_STATE', 'the container is owned by another process', { hint: 'find and attach reach it as it is; one that survives can be adopted when its owner has ended' });
  }
  if (op === 'unmount') {
    const isUsed = name === 'EBUSY';
    return new TsrunError('ERR_TSRUN_STATE', isUsed ? 'it is in use: somebody has a file open there, or stands in it' : `it cannot be unmounted: ${name}`, {
      hint: isUsed ? 'fuser -vm says who; with --force it goes when nobody uses it any more' : 'see umount2(2)',
    });
  }
  return new TsrunError('ERR_TSRUN_STATE', `the launcher answered ${name}`);
}
