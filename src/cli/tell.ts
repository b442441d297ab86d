/** What tsrun says to a person beside what it was asked for: that it cannot be written is no reason to fail. */
import type { OutputStream } from './invocation.js';

const forgiven = new WeakSet<Error>();

export function tell(stream: OutputStream, text: string): void {
  // Called before the stream tells of the error, which it does once for all that waits.
  stream.write(text, (error) => {
    if (error instanceof Error) forgiven.add(error);
  });
}

/** A stream's error that cost nothing but such words. */
export function isForgiven(error: Error): boolean {
  return forgiven.has(error);
}

/** Each warning once: all dynos have the same. */
export function oncePerText(warn: (warning: string) => void): (warning: string) => void {
  const told = new Set<string>();
  return (warning) => {
    if (!told.has(warning)) warn(warning);
    told.add(warning);
  };
}
