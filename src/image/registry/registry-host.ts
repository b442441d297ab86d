/** What the registry client takes of the host it runs on; tests give their own. */
import { homedir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';

/** Files, variables and the clock, as the client sees them. */
export interface RegistryHost {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly uid: number;
  /** `/etc`. */
  readonly etc: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly sleep: (delayMs: number, signal: AbortSignal | undefined) => Promise<unknown>;
  /** From 0 to 1, so that clients that failed together do not come back together. */
  readonly random: () => number;
  readonly timeouts: Timeouts;
}

export interface Timeouts {
  /** Of a connection, its TLS handshake included. */
  readonly connectMs: number;
  /** Until the first line of an answer. */
  readonly headersMs: number;
  /** Without a byte of a body, while somebody wants to read. */
  readonly stallMs: number;
  /** Of a credential helper, which may ask a person. */
  readonly helperMs: number;
}

const timeouts: Timeouts = { connectMs: 15_000, headersMs: 30_000, stallMs: 60_000, helperMs: 60_000 };

/** The host of this process. */
export function thisHost(): RegistryHost {
  return {
    environment: process.env,
    home: homedir(),
    uid: process.getuid?.() ?? 0,
    etc: '/etc',
    now: Date.now,
    sleep: (delayMs, signal) => sleep(delayMs, undefined, { signal }),
    random: Math.random,
    timeouts,
  };
}

/** Where programs keep this user's settings. */
export function configFolder(host: RegistryHost): string {
  return variable(host, 'XDG_CONFIG_HOME') ?? `${host.home}/.config`;
}

/** An empty variable is as good as none. */
export function variable(host: RegistryHost, name: string): string | undefined {
  const value = host.environment[name];
  return value === '' ? undefined : value;
}
