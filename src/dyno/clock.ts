/** Time as dynos have it: a day of it takes a test no longer than a second does. */

/** What dynos go by. */
export interface Clock {
  /** Milliseconds since 1970, with a fraction. */
  readonly now: () => number;
  /** Calls once after so many milliseconds, unless the function that it gives is called first. */
  readonly after: (delayMs: number, call: () => void) => () => void;
}

/** Resolves after so many milliseconds. */
export async function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    clock.after(delayMs, resolve);
  });
}

/** Milliseconds from some moment on, of this machine whatever clock dynos go by: a turn of its event loop is as long where that one stands still. */
export function loopTimeMs(): number {
  return performance.now();
}

/** The time of this machine. A process that has a dyno to start again later lives until then. */
export const systemClock: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  after(delayMs, call) {
    const timer = setTimeout(call, delayMs);
    return () => {
      clearTimeout(timer);
    };
  },
};
