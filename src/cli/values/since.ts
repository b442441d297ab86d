/** A moment: a date, seconds since the epoch, or a span that reaches back from now. */
import { ValueError, type ValueType } from './value-type.js';

const unitMs = new Map([
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
]);

/** Milliseconds since the epoch. */
export const since: ValueType<number> = {
  kind: 'string',
  placeholder: 'TIME',
  parse: (text, context) => {
    const spanMs = parseSpan(text);
    if (spanMs !== undefined) return context.now() - spanMs;
    if (/^\d{1,11}(\.\d{1,9})?$/.test(text)) return Math.floor(Number(text) * 1000);
    const moment = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(moment)) throw new ValueError('expected a date such as 2026-01-31T12:00:00Z, or a span such as 42m or 1h30m');
    return moment;
  },
};

function parseSpan(text: string): number | undefined {
  if (!/^(\d{1,9}[dhms])+$/.test(text)) return undefined;
  let spanMs = 0;
  for (const [, count, unit = ''] of text.matchAll(/(\d+)([dhms])/g)) spanMs += Number(count) * (unitMs.get(unit) ?? 0);
  return spanMs;
}
