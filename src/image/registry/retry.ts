/** Questions that are asked again: after a lost connection, a server's own failure, or a server that has too much to do. */
import { finished } from 'node:stream/promises';
import { isPassing, isSlow } from './failures.js';
import type { RegistryHost } from './registry-host.js';
import { headerOf, type HttpAnswer } from './transport.js';

const passingStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504]);
const mostTries = 5;
const mostSlowTries = 2;
const firstDelayMs = 500;
const longestDelayMs = 15_000;
/** Who is told to wait for longer is better told so. */
const longestRequestedMs = 60_000;
const mostDrainedBytes = 65_536;

/** @returns the first answer that another try would not better, or the last one */
export async function persist(ask: () => Promise<HttpAnswer>, host: RegistryHost, signal: AbortSignal | undefined, statuses = passingStatuses): Promise<HttpAnswer> {
  for (let tries = 1; ; tries++) {
    const outcome = await ask().then((answer) => ({ answer }), (error: unknown) => ({ error }));
    const last = tries === mostTries || signal?.aborted === true;
    if ('error' in outcome) {
      if (last || !isPassing(outcome.error) || (isSlow(outcome.error) && tries >= mostSlowTries)) throw outcome.error;
      await host.sleep(backOffMs(tries, host), signal);
      continue;
    }
    const requestedMs = retryAfterMs(outcome.answer, host.now());
    if (last || !statuses.has(outcome.answer.status) || requestedMs > longestRequestedMs) return outcome.answer;
    await discard(outcome.answer);
    await host.sleep(Math.max(requestedMs, backOffMs(tries, host)), signal);
  }
}

/** From half to the whole of a time that doubles. */
export function backOffMs(tries: number, host: RegistryHost): number {
  return Math.min(longestDelayMs, firstDelayMs * 2 ** (tries - 1)) * (0.5 + host.random() / 2);
}

/** `Retry-After` in seconds or as a date (RFC 9110 10.2.3); 0 where there is none. */
export function retryAfterMs(answer: HttpAnswer, nowMs: number): number {
  const value = headerOf(answer, 'retry-after') ?? '';
  if (/^\d{1,9}$/.test(value)) return Number(value) * 1000;
  const at = value.length < 64 ? Date.parse(value) : NaN;
  return Number.isNaN(at) ? 0 : Math.max(0, at - nowMs);
}

/** Lets go of an answer that nobody reads. A short body is read to its end, so that the connection can be used again. */
export async function discard(answer: HttpAnswer): Promise<void> {
  if (Number(headerOf(answer, 'content-length') ?? Infinity) > mostDrainedBytes) {
    answer.body.destroy();
    return;
  }
  answer.body.resume();
  await finished(answer.body).catch(() => undefined);
}
