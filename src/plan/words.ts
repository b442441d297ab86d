/** The kernel's numbers in a step as words: flags, masks, modes, capabilities, limits. */
import { capabilityNames } from '../spec/capabilities.js';
import { rlimitInfinity, rlimitNames } from '../spec/rlimits.js';
import { mountAttributes, propagations } from './mount-options.js';
import { cloneFlags } from './namespaces.js';

export function namespaceWords(flags: number | bigint): string {
  const bits = BigInt(flags);
  const names = Object.entries(cloneFlags).filter(([, flag]) => (bits & BigInt(flag)) !== 0n);
  return names.length === 0 ? 'none' : names.map(([name]) => name).join(', ');
}

export function attributeWords(attributes: number | bigint): string {
  const { atimeMask, ...flags } = mountAttributes;
  let left = BigInt(attributes);
  const words: string[] = [];
  const take = (word: string, flag: bigint) => {
    if ((left & flag) !== flag) return;
    words.push(word);
    left &= ~flag;
  };
  // All bits of the mask at once stand for "whatever it was" (mount_setattr(2)).
  take('atime', atimeMask);
  for (const [word, flag] of Object.entries(flags)) take(word, flag);
  if (left !== 0n) words.push(`0x${left.toString(16)}`);
  return words.join(', ');
}

export function propagationWord(propagation: number | bigint): string {
  const known = [...propagations].find(([, flag]) => BigInt(flag) === BigInt(propagation));
  return known?.[0] ?? `0x${propagation.toString(16)}`;
}

export function capabilityWords(mask: number | bigint): string {
  const bits = BigInt(mask);
  const names = capabilityNames.filter((_name, number) => (bits & (1n << BigInt(number))) !== 0n);
  if (names.length === 0) return 'none';
  if (names.length === capabilityNames.length) return 'all';
  return names.map((name) => name.replace(/^CAP_/, '')).join(', ');
}

export function rlimitWord(resource: number): string {
  return (rlimitNames[resource] ?? String(resource)).replace(/^RLIMIT_/, '').toLowerCase();
}

export function limitWord(value: number | bigint): string {
  return BigInt(value) === rlimitInfinity ? 'unlimited' : String(value);
}

const fileTypes: ReadonlyMap<number, string> = new Map([
  [0o020000, 'character device'],
  [0o060000, 'block device'],
  [0o010000, 'fifo'],
]);

/** A mode, with the type of file in front where it has one. */
export function modeWords(mode: number): string {
  const type = fileTypes.get(mode & 0o170000);
  const bits = (mode & 0o7777).toString(8).padStart(4, '0');
  return type === undefined ? bits : `${type} ${bits}`;
}

/** Bits of landlock_ruleset_attr.scoped (landlock(7)). */
const scopes = ['abstract sockets', 'signals'] as const;

export function scopeWords(mask: number | bigint): string {
  return scopes.filter((_scope, bit) => (BigInt(mask) & (1n << BigInt(bit))) !== 0n).join(', ');
}

const longestText = 240;

/** Short text as it is, everything else as its size. */
export function contentWords(bytes: Uint8Array): string {
  const text = Buffer.from(bytes).toString('utf8');
  const readable = bytes.length <= longestText && !text.includes('\ufffd') && !/[\u0000-\u0008\u000e-\u001f]/.test(text);
  return readable ? JSON.stringify(text) : sizeWords(bytes);
}

export function sizeWords(bytes: Uint8Array): string {
  return `${bytes.length} bytes`;
}

/** A list as a shell would need it. */
export function listWords(values: readonly string[]): string {
  return values.map((value) => (/^[\w@%+=:,./-]+$/.test(value) ? value : JSON.stringify(value))).join(' ');
}
