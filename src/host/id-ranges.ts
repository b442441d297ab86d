/** Ranges of user and group ids for user namespaces. Pure: what is in use comes from the caller. */

export interface IdRange {
  /** The first id, as the host counts. */
  readonly start: number;
  /** How many. */
  readonly size: number;
}

/** Enough for every id of 16 bits, `nobody` (65534) among them. */
export const RANGE_SIZE = 65_536;

/** 524288 to 1879048191: what systemd sets aside for containers (systemd's UIDS-GIDS document). */
export const containerPool: IdRange = { start: 524_288, size: 1_879_048_192 - 524_288 };

export interface RangeRequest {
  /** Where ranges may be taken from; default the system's pool for containers. */
  readonly pools?: readonly IdRange[];
  /** Ranges of live containers, and those that /etc/subuid and /etc/subgid give to users. */
  readonly used: Iterable<IdRange>;
  /** Who asks, e.g. the container's id: the same key tries the same ranges in the same order. */
  readonly key: string;
  readonly size?: number;
}

/**
 * A range that overlaps none in use; undefined when there is none. Where the search starts depends on the key, so that
 * ids of files which an ended container left behind do not fall to the very next container.
 */
export function nextFreeRange({ pools = [containerPool], used, key, size = RANGE_SIZE }: RangeRequest): IdRange | undefined {
  const slotsOf = pools.map((pool) => Math.floor(pool.size / size));
  const total = slotsOf.reduce((sum, slots) => sum + slots, 0);
  if (total === 0) return undefined;
  const busy = [...used];
  const first = hash(key) % total;
  for (let step = 0; step < total; step++) {
    const candidate = slotAt(pools, slotsOf, (first + step) % total, size);
    if (candidate !== undefined && !busy.some((range) => overlap(range, candidate))) return candidate;
  }
  return undefined;
}

export function overlap(a: IdRange, b: IdRange): boolean {
  return a.start < b.start + b.size && b.start < a.start + a.size;
}

/** Lines of /etc/subuid or /etc/subgid, `owner:start:count`; what is not such a line is passed over (subuid(5)). */
export function parseSubordinateIds(text: string): { readonly owner: string; readonly range: IdRange }[] {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*([^:#\s][^:]*):(\d{1,10}):(\d{1,10})\s*$/.exec(line);
    if (match === null) return [];
    const [, owner = '', start, count] = match;
    const range = { start: Number(start), size: Number(count) };
    return range.size > 0 && range.start + range.size <= 2 ** 32 ? [{ owner, range }] : [];
  });
}

/** The ranges that a user may map: the file names the owner by name or by number. */
export function subordinateRanges(text: string, user: { readonly name: string; readonly uid: number }): IdRange[] {
  return parseSubordinateIds(text)
    .filter(({ owner }) => owner === user.name || owner === String(user.uid))
    .map(({ range }) => range);
}

function slotAt(pools: readonly IdRange[], slotsOf: readonly number[], slot: number, size: number): IdRange | undefined {
  let rest = slot;
  for (const [index, pool] of pools.entries()) {
    const slots = slotsOf[index] ?? 0;
    if (rest < slots) return { start: pool.start + rest * size, size };
    rest -= slots;
  }
  return undefined;
}

/** FNV-1a, 32 bits: spreads short names well; nothing here needs to withstand an attacker. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}
