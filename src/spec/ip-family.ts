/** Whether a text is an address, where there is no `node:net`: tsrun-oci reads specs as well. */

const group = /^[0-9A-Fa-f]{1,4}$/;
const decimal = /^(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)$/;

/** 4, 6, or 0 for what is no address; without zones. */
export function ipFamily(text: string): 0 | 4 | 6 {
  if (isIPv4(text)) return 4;
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return 0;
  const [before, after] = [groupsOf(head, tail === undefined), groupsOf(tail ?? '', true)];
  if (before === undefined || after === undefined) return 0;
  const isWhole = tail === undefined ? before === 8 : before + after <= 7;
  return isWhole ? 6 : 0;
}

function isIPv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => decimal.test(part));
}

/** How many groups of sixteen bits; the last may be an IPv4 address, which is two. */
function groupsOf(text: string, isEnd: boolean): number | undefined {
  if (text === '') return 0;
  const parts = text.split(':');
  const last = parts.at(-1) ?? '';
  const hasIPv4 = isEnd && isIPv4(last);
  const plain = hasIPv4 ? parts.slice(0, -1) : parts;
  return plain.every((part) => group.test(part)) ? plain.length + (hasIPv4 ? 2 : 0) : undefined;
}
