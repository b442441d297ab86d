/**
 * Who a program runs as. Names come from the image's own files, which are hostile: they are read through the root, with
 * a bound, and never by the C library's NSS, which would load code from the image (CVE-2019-14271).
 */

import { nearest, TsrunError } from '../spec/errors.js';
import { parseId } from '../spec/ids.js';
import { show } from '../spec/quote.js';
import { parseGroups, parseUsers, type GroupEntry, type UserEntry } from './accounts.js';
import { unreadable } from './unreadable.js';

/**
 * Reads a regular file of the image by its inner path, at most so many bytes of it; null when there is none. Links must
 * not lead out of the root.
 */
export type ReadInImage = (innerPath: string, limitBytes: number) => Buffer | null;

export interface ResolvedUser {
  readonly uid: number;
  readonly gid: number;
  /** The primary group stands first: a program that drops it must not win by that (CVE-2022-36109). */
  readonly additionalGids: readonly number[];
  /** From passwd; `/` when it says none. */
  readonly home: string;
}

const usersFile = '/etc/passwd';
const groupsFile = '/etc/group';
const mostFileBytes = 1024 * 1024;
/** setgroups(2): NGROUPS_MAX. */
const mostGroups = 65_536;
const longestName = 256;
/** Edit distances cost name by name, and a hostile file may hold a hundred thousand. */
const mostCandidates = 1000;
const longestCandidate = 64;

/**
 * Takes `user`, `uid`, `user:group`, `uid:gid`, `uid:group` and `user:gid`. Without a group it is the user's own, with all
 * groups that list the user. Digits are always a number, never a name, whatever the image's files say (CVE-2016-3697).
 *
 * @param groups further groups, by name or number
 * @throws ERR_TSRUN_USER_NOT_FOUND, ERR_TSRUN_INVALID_ARGUMENT; ERR_TSRUN_IMAGE when a file is too large
 */
export function resolveUser(user: string, groups: readonly (string | number)[], read: ReadInImage): ResolvedUser {
  const [userPart = '', groupPart, ...rest] = user.split(':');
  if (rest.length > 0) throw invalid(user, '/user', 'a user', 'write USER or USER:GROUP');
  const accounts = new Accounts(read);
  const found = findUser(userPart, accounts);
  const primary = groupPart === undefined ? (found.entry?.gid ?? 0) : findGroup(groupPart, '/user', accounts);
  const own = groupPart === undefined && found.entry !== undefined ? accounts.groupsOf(found.entry.name) : [];
  const asked = groups.map((group, index) => (typeof group === 'number' ? group : findGroup(group, `/groups/${index}`, accounts)));
  const additionalGids = [...new Set([primary, ...own, ...asked])];
  if (additionalGids.length > mostGroups) {
    throw new TsrunError('ERR_TSRUN_IMAGE', `user ${show(userPart)} is in ${additionalGids.length} groups`, {
      field: '/user',
      hint: `Linux allows ${mostGroups}; name one group, as in ${show(`${userPart}:0`)}`,
    });
  }
  return { uid: found.uid, gid: primary, additionalGids, home: found.entry?.home ?? '/' };
}

/** Reads each file once, and only if it is asked for. */
class Accounts {
  readonly #read: ReadInImage;
  #users: readonly UserEntry[] | undefined;
  #groups: readonly GroupEntry[] | undefined;

  constructor(read: ReadInImage) {
    this.#read = read;
  }

  get users(): readonly UserEntry[] {
    this.#users ??= parseUsers(this.#bytes(usersFile));
    return this.#users;
  }

  get groups(): readonly GroupEntry[] {
    this.#groups ??= parseGroups(this.#bytes(groupsFile));
    return this.#groups;
  }

  groupsOf(name: string): number[] {
    return this.groups.filter(({ members }) => members.includes(name)).map(({ gid }) => gid);
  }

  /** One byte more than is allowed is asked for, to tell a file that ends there from one that goes on. */
  #bytes(path: string): Buffer {
    const bytes = this.#readFile(path);
    if (bytes.length <= mostFileBytes) return bytes;
    throw new TsrunError('ERR_TSRUN_IMAGE', `'${path}' of the image is larger than ${mostFileBytes} bytes`, {
      hint: 'make the file smaller: each user and group is one line',
    });
  }

  #readFile(path: string): Buffer {
    try {
      return this.#read(path, mostFileBytes + 1) ?? Buffer.alloc(0);
    } catch (cause) {
      throw unreadable(path, cause);
    }
  }
}

function findUser(text: string, accounts: Accounts): { readonly uid: number; readonly entry: UserEntry | undefined } {
  const number = readName(text, '/user', 'a user');
  if (typeof number === 'number') return { uid: number, entry: accounts.users.find(({ uid }) => uid === number) };
  const entry = accounts.users.find(({ name }) => name === text);
  if (entry === undefined) throw notFound('user', text, '/user', usersFile, accounts.users);
  return { uid: entry.uid, entry };
}

function findGroup(text: string, field: string, accounts: Accounts): number {
  const number = readName(text, field, 'a group');
  if (typeof number === 'number') return number;
  const entry = accounts.groups.find(({ name }) => name === text);
  if (entry === undefined) throw notFound('group', text, field, groupsFile, accounts.groups);
  return entry.gid;
}

/**
 * Digits are a decimal number, with zeros in front of it too, as docker reads them (Go's strconv.Atoi). What another program might take for
 * a number (`+0`, `1e3`, `0x0`, `4294967296`) is neither that nor a name: an image may hold a user of that name with uid 0.
 */
function readName(text: string, field: string, noun: string): number | string {
  const id = text.length <= longestName ? parseId(text.replace(/^0+(?=\d)/, '')) : undefined;
  if (id !== undefined) return id;
  if (/^[+-]?\.?[0-9]/.test(text) && !Number.isNaN(Number(text))) {
    throw invalid(text, field, noun, 'a number is written in plain decimal, from 0 to 4294967294');
  }
  if (text === '') throw invalid(text, field, noun, 'write a name or a number on both sides of the colon');
  if (text.length > longestName || /[\s:,\0-\x1f\x7f]/.test(text)) {
    throw invalid(text, field, noun, `a name has at most ${longestName} characters, without blanks, commas and colons`);
  }
  return text;
}

function invalid(text: string, field: string, noun: string, hint: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `${show(text)} is not ${noun}`, { field, hint });
}

function notFound(kind: string, name: string, field: string, file: string, entries: readonly { readonly name: string }[]): TsrunError {
  const message = `no ${kind} ${show(name)} in '${file}' of the image${entries.length === 0 ? ', which has none' : ''}`;
  const known = entries.slice(0, mostCandidates).filter((entry) => entry.name.length <= longestCandidate);
  const near = name.length > longestCandidate ? undefined : nearest(name, known.map((entry) => entry.name));
  const hint = near === undefined ? `give the ${kind} as a number, which needs no entry` : `did you mean ${show(near)}?`;
  return new TsrunError('ERR_TSRUN_USER_NOT_FOUND', message, { field, hint });
}
