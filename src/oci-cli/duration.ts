/** Durations as Go writes them (time.ParseDuration): `5s`, `1m30s`, `1.5h`, `250ms`. */

const unitMs: Readonly<Record<string, number>> = { ns: 1e-6, us: 1e-3, 'µs': 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const part = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g;

/** Milliseconds; undefined for what is none. */
export function readDuration(text: string): number | undefined {
  if (text === '0') return 0;
  const parts = [...text.matchAll(part)];
  if (parts.length === 0 || parts.map(([whole]) => whole).join('') !== text) return undefined;
  return parts.reduce((sum, [, number = '0', unit = '']) => sum + Number(number) * (unitMs[unit] ?? 0), 0);
}
