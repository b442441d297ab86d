/** A container that is bound to an AbortSignal. */
import type { Container } from './container.js';

/** Stop, then kill; `exited`, and `started` until the program runs, then reject with the signal's reason as cause. */
export function stopOnAbort(container: Container, signal: AbortSignal): void {
  const onAbort = () => {
    container.abort(signal.reason);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  const forget = () => {
    signal.removeEventListener('abort', onAbort);
  };
  container.exited.then(forget, forget);
}
