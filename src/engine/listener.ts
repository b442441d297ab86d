/** Who hears what a launcher says: of a container, its listener; of a request, whoever waits for the answer. */
import type { EventAnswered, EventCgroupChanged, EventExited, EventFailed, EventReached, EventStarted, Request } from '../plan/wire.generated.js';
import type { TsrunError } from '../spec/errors.js';

export type ContainerEvent = EventStarted | EventReached | EventFailed | EventExited | EventCgroupChanged;

/** Hears what becomes of one container. Descriptors that come along are the listener's to close. */
export interface ContainerListener {
  onEvent(event: ContainerEvent, descriptors: readonly number[]): void;
  /** The launcher is gone, and with it what it watched. */
  onLost(error: TsrunError): void;
}

export interface Answer {
  readonly event: EventAnswered;
  readonly descriptors: readonly number[];
}

export interface Waiting {
  readonly op: Request['op'];
  resolve(answer: Answer): void;
  reject(error: Error): void;
}
