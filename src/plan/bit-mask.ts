/** Lists such as "0-3,7" as the kernel takes sets of processors and nodes. */
import { parseCpuList } from '../host/probe.js';

/** In words of 64 bits, little-endian; empty for an empty list. */
export function bitMask(list: string): Uint8Array {
  const numbers = parseCpuList(list);
  const mask = new Uint8Array(numbers.size === 0 ? 0 : ((Math.max(...numbers) >> 6) + 1) * 8);
  for (const number of numbers) mask[number >> 3] = (mask[number >> 3] ?? 0) | (1 << (number & 7));
  return mask;
}
