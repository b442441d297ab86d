/** What may be asked for about the ports of dynos, and the check of it. */
import { ipFamily } from '../../spec/ip-family.js';
import { assertShape, boolean, integer, optional, strictObject, text, type Fields } from '../../spec/shape.js';

/** Where connections are taken, and which dynos get them. Unknown names are refused. */
export interface ListenOptions {
  /** Of this host; 0: one that is free. */
  readonly port: number;
  /** An address of this host, not a name. Default 127.0.0.1: nobody else reaches it. `0.0.0.0` or `::` for all that it has. */
  readonly host?: string;
  /** That the dynos listen on. Default: their `PORT`. */
  readonly innerPort?: number;
  /** Open at once, those that wait among them; more are refused (H22). Default 4096. */
  readonly mostConnections?: number;
  /** How long a connection waits for a dyno that is starting, in milliseconds, until it is refused (H20). Default 75,000. */
  readonly waitMs?: number;
}

/** A port of the host that a formation takes connections on from its start. */
export interface PublishOptions extends ListenOptions {
  /** Whose dynos get them. Default `web`. */
  readonly type?: string;
}

/** Dynos that nobody asks anything of are ended. */
export interface IdleOptions {
  /** From the end of the last connection, or since they are up, in milliseconds. */
  readonly afterMs: number;
}

/** How the dynos of a process type are taken out of service. */
export interface ServingOptions {
  /**
   * Restarts and cycling begin with the new dyno: the old one is asked to end when the new one is up, and stays if that does not come up. There
   * are two of it meanwhile. Default false.
   */
  readonly preboot?: boolean;
  /** How long one that is replaced or scaled away may go on with the connections that it has, in milliseconds, until it is asked to end. Default 30,000. */
  readonly drainMs?: number;
  /** Ends the dynos of this type when they have had no connection for so long; the next connection starts them, and waits. Only where the formation listens for them. */
  readonly idle?: IdleOptions;
}

/** How dynos are restarted. */
export interface RestartOptions {
  /** As of `ServingOptions`. Default: what their process type says. */
  readonly preboot?: boolean;
  /** One dyno at a time, until each is up; ends with the first that does not come up. Without `preboot` each has `drainMs` for its connections. Default false: all at once. */
  readonly rolling?: boolean;
}

export const servingDefaults = { host: '127.0.0.1', mostConnections: 4096, waitMs: 75_000, drainMs: 30_000, preboot: false, publishType: 'web' } as const;

const duration = integer(0, 2 ** 31 - 1);

/** Of a process type. */
export const servingFields: Fields<ServingOptions> = {
  preboot: optional(boolean),
  drainMs: optional(duration),
  idle: optional(strictObject<IdleOptions>({ afterMs: integer(1, 2 ** 31 - 1) })),
};

const listenFields: Fields<ListenOptions> = {
  port: integer(0, 65_535),
  host: optional(text('an IP address', { test: (value: string) => ipFamily(value) !== 0 })),
  innerPort: optional(integer(1, 65_535)),
  mostConnections: optional(integer(1, 1_000_000)),
  waitMs: optional(duration),
};

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function validateListenOptions(value: ListenOptions): void {
  assertShape(strictObject<ListenOptions>(listenFields), value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
}

export const restartShape = strictObject<RestartOptions>({ preboot: optional(boolean), rolling: optional(boolean) });

/** @throws ERR_TSRUN_INVALID_ARGUMENT */
export function validateRestartOptions(value: RestartOptions): void {
  assertShape(restartShape, value, 'ERR_TSRUN_INVALID_ARGUMENT', 'option');
}

/** With the process type, in any form that a type may have. */
export const publishShape = strictObject<PublishOptions>({ ...listenFields, type: optional(text('a process type')) });
