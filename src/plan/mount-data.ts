/**
 * Options of the kernel's own file systems. Of a wrong one the kernel says no more than EINVAL, and that when half of the container is
 * there: so they are checked before. Those of other file systems are for these to know.
 */
import { nearest } from '../spec/errors.js';
import { Faults } from '../spec/faults.js';
import { largestId, mappedId } from '../spec/ids.js';
import { show } from '../spec/quote.js';
import type { IdMapping, IdMaps } from '../spec/types.js';
import { mountWords, readMountOptions } from './mount-options.js';

/** What stands behind the `=`; a flag has none. */
interface Form {
  readonly pattern: RegExp;
  readonly says: string;
  readonly map?: keyof IdMaps;
}
type Forms = Readonly<Record<string, Form | 'flag'>>;

// As fs_parser.c and memparse() of the kernel read them.
const number = { pattern: /^(?:0x[\da-f]+|\d+)$/i, says: 'a number' };
const octal = { pattern: /^[0-7]+$/, says: 'octal digits' };
const count = { pattern: /^(?:0x[\da-f]+|\d+)[kmgtpe]?$/i, says: 'a number, with k, m, g, t, p or e behind it if you like' };
const size = { pattern: /^(?:0x[\da-f]+|\d+)[kmgtpe]?%?$/i, says: 'a number of bytes, with k, m, g, t, p, e or % behind it if you like' };
const text = { pattern: /./, says: 'a value' };
const uid = { ...number, map: 'uidMappings' } as const;
const gid = { ...number, map: 'gidMappings' } as const;

const formsOf: Readonly<Record<string, Forms>> = {
  // tmpfs(5); quotas since Linux 6.6, casefold and strict_encoding since 6.13.
  tmpfs: {
    size, nr_blocks: count, nr_inodes: count, mode: octal, uid, gid, mpol: text, noswap: 'flag', inode32: 'flag', inode64: 'flag',
    huge: { pattern: /^(?:never|always|within_size|advise)$/, says: 'never, always, within_size or advise' },
    quota: 'flag', usrquota: 'flag', grpquota: 'flag',
    usrquota_block_hardlimit: count, usrquota_inode_hardlimit: count, grpquota_block_hardlimit: count, grpquota_inode_hardlimit: count,
    casefold: text, strict_encoding: 'flag',
  },
  // proc(5); pidns since Linux 6.17.
  proc: {
    gid, pidns: text,
    hidepid: { pattern: /^(?:[0-4]|off|noaccess|invisible|ptraceable)$/, says: 'off, noaccess, invisible, ptraceable, or the number of one' },
    subset: { pattern: /^pid$/, says: 'pid' },
  },
  sysfs: {},
  mqueue: {},
  devpts: { uid, gid, mode: octal, ptmxmode: octal, max: number, newinstance: 'flag' },
  cgroup2: Object.fromEntries(['nsdelegate', 'favordynmods', 'nofavordynmods', 'memory_localevents', 'memory_recursiveprot', 'memory_hugetlb_accounting', 'pids_localevents'].map((key) => [key, 'flag'])),
};

/** vfs_parse_sb_flag() of the kernel. */
const ofEveryType = { sync: 'flag', dirsync: 'flag', lazytime: 'flag', mand: 'flag' } as const;

export const fileSystemWords: readonly string[] = Object.keys(ofEveryType);

/** Of every file system, and of security modules, which ask for theirs first. */
const common: Forms = {
  ...ofEveryType,
  context: text, fscontext: text, defcontext: text, rootcontext: text, seclabel: 'flag',
  smackfsdef: text, smackfsdefault: text, smackfsfloor: text, smackfshat: text, smackfsroot: text, smackfstransmute: text,
};

export interface MountData {
  readonly type: string;
  readonly options: readonly string[] | undefined;
  /** Of the user namespace in which it is made, where they are known and matter. */
  readonly maps: IdMaps | undefined;
  /** JSON pointer of the options. */
  readonly at: string;
}

/** @throws ERR_TSRUN_INVALID_SPEC */
export function checkMountData({ type, options = [], maps, at }: MountData): void {
  const { data } = readMountOptions(options);
  const own = formsOf[type === 'cgroup' ? 'cgroup2' : type];
  if (own === undefined) return;
  const faults = new Faults();
  for (const word of data) checkWord(word, own, maps, `${at}/${options.indexOf(word)}`, faults);
  faults.throwIfAny('ERR_TSRUN_INVALID_SPEC', 'spec');
}

function checkWord(word: string, own: Forms, maps: IdMaps | undefined, field: string, faults: Faults): void {
  const [key = '', ...rest] = word.split('=');
  const value = word.includes('=') ? rest.join('=') : undefined;
  const form = [own, common].find((forms) => Object.hasOwn(forms, key))?.[key];
  if (form === undefined) faults.add(field, `unknown mount option ${show(word)}`, suggestion(key, [...Object.keys(own), ...mountWords]));
  else if (form === 'flag') {
    if (value !== undefined) faults.add(field, `${show(word)} is not what ${key} takes`, 'give it no value');
  } else if (value === undefined || !form.pattern.test(value)) faults.add(field, `${show(word)} is not what ${key} takes`, `give it ${form.says}`);
  else if (form.map !== undefined) checkOwner(key, Number(value), maps?.[form.map], field, faults);
}

function suggestion(key: string, known: readonly string[]): string {
  const near = nearest(key.slice(0, 64), known);
  return near === undefined ? `known are ${known.join(', ')}` : `did you mean ${show(near)}?`;
}

function checkOwner(key: string, id: number, map: readonly IdMapping[] = [], field: string, faults: Faults): void {
  const isMapped = map.length === 0 || mappedId(map, id) !== undefined;
  if (id > largestId || !isMapped) faults.add(field, `${key} ${id} does not exist in the container`, 'take one that its id map holds');
}
