/** What is in a folder that may not have been made yet. */
import { readdirSync } from 'node:fs';
import { errnoName } from '../../spec/errno.js';

/** Empty where there is none yet. */
export function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return [];
    throw error;
  }
}
