/** The terminal's master, which comes from the launcher: for whoever listens at the console socket, or for the caller. */
import type { Plan } from '../plan/plan.js';
import type { EventStarted } from '../plan/wire.generated.js';
import { inGoWords } from './go-words.js';
import type { OneShotLauncher } from './one-shot.js';
import { asNode } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

/** Gives the master where the caller keeps it, else -1. */
export function takeTerminal({ descriptors }: EventStarted, plan: Plan, launcher: OneShotLauncher, { consoleSocket, keepsTerminal = false }: { readonly consoleSocket?: string | undefined; readonly keepsTerminal?: boolean }): number {
  if (descriptors === 0) return -1;
  const received = launcher.receive();
  const terminal = received[plan.handedOver.indexOf('terminal')];
  if (terminal !== undefined && consoleSocket !== undefined) sendConsole(consoleSocket, terminal);
  const kept = consoleSocket === undefined && keepsTerminal ? terminal : undefined;
  for (const descriptor of received) if (descriptor !== kept) host.close(descriptor);
  return kept ?? -1;
}

function sendConsole(path: string, terminal: number): void {
  sendDescriptor(path, '/dev/ptmx', terminal);
}

/** A pidfd, for `--pidfd-socket`; `name` goes with it, as runc has it: `standard` for a first process, `setns` for one of `exec`. */
export function sendProcess(path: string | undefined, pid: number, name: 'standard' | 'setns'): void {
  if (path === undefined) return;
  const process = host.openProcess(pid);
  sendDescriptor(path, name, process);
  host.close(process);
}

function sendDescriptor(path: string, name: string, descriptor: number): void {
  const socket = asNode(path, () => host.connectSocket(path));
  const error = host.send(socket, host.encode(name), [descriptor]);
  host.close(socket);
  if (error !== 0) throw new RuntimeError(`${name} cannot be sent to ${path}: ${inGoWords(error)}`);
}
