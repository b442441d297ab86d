/**
 * `/etc/ld.so.cache`, in which glibc's loader looks for libraries of every folder that ldconfig(8) was told of. The folders of
 * `/etc/ld.so.conf` count for the loader only as far as they stand here. The file is an attacker's: every offset is checked.
 */

/** glibc has no other form since 2.32, and had this one behind the older one before (sysdeps/generic/dl-cache.h). */
const magic = Buffer.from('glibc-ld.so.cache1.1');
const headerSize = 48;
const entrySize = 24;
const longestPath = 4096;

/** Where libraries of this name are said to lie. */
export function cachedPaths(bytes: Buffer, name: string): readonly string[] {
  const start = bytes.indexOf(magic);
  if (start < 0 || start + headerSize > bytes.length) return [];
  const room = Math.floor((bytes.length - start - headerSize) / entrySize);
  const count = Math.min(bytes.readUInt32LE(start + magic.length), room);
  const key = Buffer.from(`${name}\0`);
  const paths = new Set<string>();
  for (let index = 0; index < count; index++) {
    const at = start + headerSize + index * entrySize;
    const [keyAt, valueAt] = [start + bytes.readUInt32LE(at + 4), start + bytes.readUInt32LE(at + 8)];
    if (bytes.subarray(keyAt, keyAt + key.length).equals(key)) paths.add(textAt(bytes, valueAt));
  }
  return [...paths].filter((path) => path.startsWith('/'));
}

function textAt(bytes: Buffer, start: number): string {
  const window = bytes.subarray(start, start + longestPath);
  const end = window.indexOf(0);
  return end < 0 ? '' : window.toString('utf8', 0, end);
}
