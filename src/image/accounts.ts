/** passwd(5) and group(5), as an image brings them: whatever is not a proper line is passed over, as the C library does. */

import { parseId } from '../spec/ids.js';

export interface UserEntry {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  /** Absent unless it is an absolute path. */
  readonly home: string | undefined;
}

export interface GroupEntry {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** No proper user needs more; a group may list many members. */
const longestUserLine = 8 * 1024;
const longestGroupLine = 256 * 1024;

/** In the file's order, so that the first match wins. */
export function parseUsers(bytes: Buffer): UserEntry[] {
  return lines(bytes, longestUserLine).flatMap((line) => {
    const [name = '', , uidText = '', gidText = '', , homeText = ''] = line.split(':');
    const uid = parseId(uidText);
    const gid = parseId(gidText);
    if (!isName(name) || uid === undefined || gid === undefined) return [];
    return [{ name, uid, gid, home: isHome(homeText) ? homeText : undefined }];
  });
}

export function parseGroups(bytes: Buffer): GroupEntry[] {
  return lines(bytes, longestGroupLine).flatMap((line) => {
    const [name = '', , gidText = '', members = ''] = line.split(':');
    const gid = parseId(gidText);
    return isName(name) && gid !== undefined ? [{ name, gid, members: members.split(',').filter(isName) }] : [];
  });
}

/** A NUL ends the line for a C program, which then reads another entry than we do. */
function lines(bytes: Buffer, longest: number): string[] {
  return bytes.toString('utf8').split('\n').filter((line) => line.length <= longest && !line.includes('\0'));
}

/** The replacement character stands for bytes that are not UTF-8: two different names would become one. */
function isName(name: string): boolean {
  return name !== '' && !/[\s\ufffd\x01-\x1f\x7f]/.test(name);
}

/** It becomes the value of HOME. */
function isHome(path: string): boolean {
  return path.startsWith('/') && path.length <= 4095 && !/[\ufffd\x01-\x1f\x7f]/.test(path);
}
