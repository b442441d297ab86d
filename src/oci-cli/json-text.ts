/** A value as JSON; unlike JSON.stringify it writes integers above 2^53 as well, as they are. It holds no text with a NUL: `parseJson` takes none. */
export function jsonText(value: unknown, indent?: string): string {
  try {
    return JSON.stringify(value, undefined, indent);
  } catch {
    // Calling a function for each value makes it ten times slower, and few records have a bigint.
    const marked = JSON.stringify(value, (_key, each: unknown) => (typeof each === 'bigint' ? `\u0000${each}` : each), indent);
    return marked.replace(/"\\u0000(-?\d+)"/g, '$1');
  }
}
