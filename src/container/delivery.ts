/** Who of a container hears the signal that asks it to end. */
import { TsrunError } from '../spec/errors.js';
import { makesNamespace } from '../spec/namespaces.js';
import type { ContainerRecord } from './state/record.js';

/** Numbers of native/init/execution.h. */
const numbers = { main: 0, all: 1, mixed: 2 } as const;

/** Who of a container is sent the signal that asks it to end. */
export type SignalDelivery = keyof typeof numbers;

/** How to end a container or process. */
export interface StopOptions {
  /** Sent first. Default: the container's stop signal, else SIGTERM. */
  readonly signal?: string | number;
  /** Milliseconds until SIGKILL; -1 waits for ever. Default: the container's, else 10,000. */
  readonly graceMs?: number;
  /**
   * `main`: the program alone; when it ends the rest is killed, as docker has it. `all`: every process at once, as Heroku has it. `mixed`:
   * the program, and when it has ended the others. With `all` and `mixed` all have the whole grace to end in. They are for containers with
   * `init` and a pid namespace of their own; what was executed beside the program (`exec`) need not hear it. Default `main`.
   */
  readonly delivery?: SignalDelivery;
}

/** What the launcher is told. @throws ERR_TSRUN_INVALID_ARGUMENT without a reaper, who hands signals on */
export function deliveryNumber(delivery: SignalDelivery, hasReaper: boolean): number {
  if (delivery === 'main' || hasReaper) return numbers[delivery];
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `the delivery "${delivery}" needs a reaper that hands signals on`, { field: '/delivery', hint: 'start the container with init, and a pid namespace of its own' });
}

/** With another's pid namespace the reaper could reach the processes of others. */
export function hasOwnReaper({ spec, extensions }: ContainerRecord): boolean {
  return extensions.init === true && makesNamespace(spec.linux, 'pid') && extensions.namespaceFds?.pid === undefined;
}
