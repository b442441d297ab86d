/**
 * Names that nobody has to guess wrongly: they only have to differ, and who makes something under one finds out when they
 * do not. Node's crypto would be the dearest module on the way to a first container.
 */

/** As many hexadecimal digits. */
export function randomDigits(count: number): string {
  let digits = '';
  while (digits.length < count) digits += Math.floor(Math.random() * 2 ** 32).toString(16).padStart(8, '0');
  return digits.slice(0, count);
}

/** From `least` to below `end`. */
export function randomNumber(least: number, end: number): number {
  return least + Math.floor(Math.random() * (end - least));
}

/** A UUID of version 4 (RFC 9562). */
export function randomUuid(): string {
  const digits = randomDigits(32);
  return `${digits.slice(0, 8)}-${digits.slice(8, 12)}-4${digits.slice(13, 16)}-${randomNumber(8, 12).toString(16)}${digits.slice(17, 20)}-${digits.slice(20)}`;
}
