/** Waiting for what no event tells of. */
import { setTimeout as delay } from 'node:timers/promises';
import { patience } from './lab.js';

export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const limit = Date.now() + 30_000 * patience;
  while (!(await condition())) {
    if (Date.now() > limit) throw new Error(`waited in vain for ${what}`);
    await delay(20);
  }
}
