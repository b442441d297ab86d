/** Resource limits of this process, which its launcher and so all containers start from. */
import { readFileSync } from 'node:fs';
import { parseLimits } from './proc-files.js';

/** The hard limit, as the kernel writes it: a number, or `unlimited`; undefined when the kernel does not know it. */
export function callersLimit(name: string): string | undefined {
  return parseLimits(readFileSync('/proc/self/limits', 'utf8')).find((limit) => limit.name === name)?.hard;
}
