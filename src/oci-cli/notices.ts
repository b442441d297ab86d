/**
 * NOTIFY_SOCKET: a program tells that it is ready (sd_notify(3)). As with runc it has a socket of this runtime's, and who manages the caller,
 * systemd, is told nothing but that one word: on its own socket a program could say what it likes of the caller's service.
 */
import type { Spec } from '../spec/types.js';
import { withVariables } from './given-process.js';
import { logWarning } from './log.js';
import { asNode, existsSync, mkdirSync } from './platform/fs.js';
import { host, readable } from './platform/host.js';
import type { ProcessName } from './processes.js';

const mostNoticeBytes = 4096;
/** sd_notify_barrier(3): a sender that is gone when its words are read is nobody's, and its words are lost. */
const barrierMs = 5_000;
const place = '/run/notify';
const socketName = 'notify.sock';

/** Below the container's folder; there where its program is to tell. */
export const noticeFolder = 'notify';

export interface Notices {
  /** -1 where nobody is to be told. */
  readonly socket: number;
  /** Who tells. */
  readonly init: ProcessName | undefined;
}

function managersSocket(): string | undefined {
  const { NOTIFY_SOCKET = '' } = host.environment();
  return NOTIFY_SOCKET === '' ? undefined : NOTIFY_SOCKET;
}

/** A container whose program finds the socket. @param folder the container's */
export function withNotices(spec: Spec, folder: string): Spec {
  const { process, mounts = [] } = spec;
  if (managersSocket() === undefined || process === undefined) return spec;
  const mount = { destination: place, type: 'bind', source: `${folder}/${noticeFolder}`, options: ['bind', 'nosuid', 'noexec', 'nodev', 'ro'] };
  return withVariables({ ...spec, mounts: [...mounts, mount] }, `NOTIFY_SOCKET=${place}/${socketName}`);
}

/** To be called when the folder is there, and nothing of the container. */
export function makeNoticeFolder(folder: string): void {
  if (managersSocket() !== undefined) mkdirSync(`${folder}/${noticeFolder}`, 0o755);
}

/** The socket, before the program runs; -1 where nobody is to be told. */
export function listenForNotices(folder: string): number {
  const path = `${folder}/${noticeFolder}`;
  if (managersSocket() === undefined || !existsSync(path)) return -1;
  return asNode(path, () => host.bindDatagram(path, socketName));
}

/** Until the program is ready, or gone. */
export function awaitReady({ socket, init }: Notices): void {
  if (socket < 0 || init === undefined) return;
  const process = openProcess(init.pid);
  while (process >= 0 && host.awaitAnyEvent([socket, process], readable, -1) === 0) if (passReady(socket, init.pid)) return;
}

function openProcess(pid: number): number {
  try {
    return host.openProcess(pid);
  } catch {
    return -1;
  }
}

/** Whether what has come says so: then the socket is no more, for what nobody reads holds up who sends. @param mainPid of the program, where it outlives this command, which is the manager's main process until then */
export function passReady(notices: number, mainPid?: number): boolean {
  const text = host.decode(host.read(notices, mostNoticeBytes)) ?? '';
  if (!text.split('\n').includes('READY=1')) return false;
  host.close(notices);
  tell(`READY=1\n${mainPid === undefined ? '' : `MAINPID=${mainPid}\n`}`);
  return true;
}

function tell(text: string): void {
  const path = managersSocket() ?? '';
  try {
    const socket = asNode(path, () => host.connectDatagram(path));
    const [ours, theirs] = host.streamPair();
    const errors = [host.send(socket, host.encode(text), []), host.send(socket, host.encode('BARRIER=1'), [theirs])];
    host.close(theirs);
    // Whoever reads it closes its copy.
    if (errors.every((each) => each === 0)) host.awaitEvents(ours, readable, barrierMs);
    else logWarning(`${path} cannot be told that the program is ready`);
    for (const file of [ours, socket]) host.close(file);
  } catch (error) {
    logWarning(`the program is ready, and nobody can be told: ${error instanceof Error ? error.message : String(error)}`);
  }
}
