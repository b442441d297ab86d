/** Hands the listener of a seccomp filter to whoever answers for its calls (config-linux.md, "Container Process State"). */
import type { Plan } from '../plan/plan.js';
import type { EventReached } from '../plan/wire.generated.js';
import { stateText } from '../spec/hooks.js';
import type { Spec } from '../spec/types.js';
import { inGoWords } from './go-words.js';
import { hookStateOf } from './hooks.js';
import type { OneShotLauncher } from './one-shot.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';
import type { ContainerRecord } from './state.js';

export function isListener({ step }: EventReached, plan: Plan): boolean {
  return plan.steps[step]?.step.op === 'loadSeccomp';
}

export function handListenerOver({ pid }: EventReached, { linux }: Spec, record: ContainerRecord, status: 'creating' | 'running', launcher: OneShotLauncher): void {
  const { listenerPath = '', listenerMetadata = '' } = linux?.seccomp ?? {};
  const state = hookStateOf(record);
  const text = `{"ociVersion":${JSON.stringify(state.ociVersion)},"fds":["seccompFd"],"pid":${pid},"metadata":${JSON.stringify(listenerMetadata)},"state":${stateText(state, status, String(record.init?.pid ?? pid))}}`;
  const descriptors = launcher.receive();
  try {
    send(listenerPath, text, descriptors);
  } finally {
    for (const descriptor of descriptors) host.close(descriptor);
  }
}

function send(path: string, text: string, descriptors: readonly number[]): void {
  const socket = connect(path);
  const error = host.send(socket, host.encode(text), descriptors);
  host.close(socket);
  if (error !== 0) throw new RuntimeError(`the seccomp listener cannot be sent to ${path}: ${inGoWords(error)}`);
}

function connect(path: string): number {
  try {
    return host.connectSocket(path);
  } catch (error) {
    const why = error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? inGoWords(error.errno) : String(error);
    throw new RuntimeError(`the seccomp listener cannot be sent to ${path}: connect: ${why}`);
  }
}
