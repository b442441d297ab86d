/** Files that flags name. Any may be a pipe (`--env-file <(…)`) or a device, whose size says nothing, and /dev/zero never ends. */
import { closeSync, openSync, readSync } from 'node:fs';

const chunkBytes = 65_536;

/** At most the first `maxBytes` of a file. */
export function readBeginning(path: string, maxBytes: number): Buffer {
  const fd = openSync(path, 'r');
  try {
    const chunks: Buffer[] = [];
    for (let left = maxBytes; left > 0; ) {
      const chunk = Buffer.alloc(Math.min(chunkBytes, left));
      const count = readSync(fd, chunk);
      if (count === 0) break;
      chunks.push(chunk.subarray(0, count));
      left -= count;
    }
    return Buffer.concat(chunks);
  } finally {
    closeSync(fd);
  }
}
