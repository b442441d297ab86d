/** Has the program of a created container be executed, with the hooks around that (runtime.md, "Lifecycle", steps 7 to 9). */
import { constants as osConstants } from 'node:os';
import { inGoWords } from './go-words.js';
import { innerHookError, runHooks } from './hooks.js';
import { listenForNotices, type Notices } from './notices.js';
import { asNode, constants } from './platform/fs.js';
import { host, readable } from './platform/host.js';
import { signalProcess } from './processes.js';
import { removeAll } from './remove-container.js';
import { RuntimeError } from './runtime-error.js';
import type { ContainerRecord, StateFolder } from './state.js';
import { statusOf } from './status.js';

/** Gives what is heard of a program that will tell when it is ready. */
export function startContainer(folder: StateFolder): Notices {
  const record = folder.read();
  checkStatus(folder, record);
  const notices = listenForNotices(folder.path);
  const failure = execute(folder, record);
  if (failure !== undefined && !failure.isHook) throw failure.error;
  try {
    if (failure !== undefined) throw failure.error;
    runHooks(['poststart'], record, 'running', record.init?.pid ?? 0);
    return { socket: notices, init: record.init };
  } catch (error) {
    removeAll(folder, record);
    throw error;
  }
}

function checkStatus(folder: StateFolder, record: ContainerRecord): void {
  const status = statusOf(folder, record);
  if (status === 'stopped') throw new RuntimeError('cannot start a container that has stopped');
  if (status === 'paused') throw new RuntimeError('cannot start a container in the paused state');
  if (status !== 'created') throw new RuntimeError(status === 'creating' ? 'cannot start a container that is not created yet' : 'cannot start an already running container');
}

interface Failure {
  readonly error: RuntimeError;
  readonly isHook: boolean;
}

/** Until the program was executed, or could not be. */
function execute(folder: StateFolder, record: ContainerRecord): Failure | undefined {
  const report = openFifo(folder.report, constants.O_RDONLY);
  // Whoever waits at it holds it open; without anybody this is refused at once (ENXIO, fifo(7)).
  const start = openFifo(folder.fifo, constants.O_WRONLY);
  host.write(start, host.encode('0'));
  host.close(start);
  remove(folder.fifo);
  // Its writing end goes with the execve.
  host.awaitEvents(report, readable, -1);
  const told = host.read(report, reportBytes);
  host.close(report);
  remove(folder.report);
  return told.length < reportBytes ? undefined : failureOf(told, record);
}

function remove(path: string): void {
  asNode(path, () => {
    host.unlink(path);
  });
}

function openFifo(path: string, mode: number): number {
  return asNode(path, () => host.open(path, mode | constants.O_NONBLOCK, 0));
}

/** ChannelMessage of native/init/execution.h: a word, the step, and its call and errno. */
const reportBytes = 16;

function failureOf(bytes: Uint8Array, { startHooks, init }: ContainerRecord): Failure {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [step, syscall, error] = [view.getUint32(4, true), view.getInt32(8, true), view.getInt32(12, true)];
  const call = host.syscallName(syscall);
  const hook = startHooks === undefined ? -1 : step - startHooks.first;
  if (startHooks !== undefined && hook >= 0 && hook < startHooks.count) return { error: innerHookError(`startContainer hook #${hook}`, call, error), isHook: true };
  // It is on its way out.
  if (init !== undefined) signalProcess(init, osConstants.signals.SIGKILL);
  return { error: new RuntimeError(`${call}: ${inGoWords(error)}`), isHook: false };
}
