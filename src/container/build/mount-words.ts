/** Options of a volume or tmpfs, merged with the defaults: of each family of words one holds. */

import { nearest } from '../../spec/errors.js';
import type { Faults } from '../../spec/faults.js';
import { show } from '../../spec/quote.js';

const flags = ['suid', 'dev', 'exec', 'symfollow'] as const;
type Flag = (typeof flags)[number];

const accessTimes = ['noatime', 'relatime', 'strictatime'];
const propagations = ['private', 'shared', 'slave', 'unbindable'];

/** Word → family. Of a family no two may be given. */
const families = new Map<string, string>([
  ...pairs(['ro', 'rw'], 'access'),
  ...flags.flatMap((flag) => pairs([flag, `no${flag}`], flag)),
  ...pairs(accessTimes, 'access time'),
  ...pairs(['diratime', 'nodiratime'], 'access time of folders'),
]);

const bindFamilies = new Map<string, string>([
  ...families,
  ...[...families].map(([word, family]): [string, string] => [`r${word}`, family]),
  ...pairs(['bind', 'rbind'], 'recursion'),
  ...pairs([...propagations, ...propagations.map((word) => `r${word}`)], 'propagation'),
  ...pairs(['idmap', 'ridmap'], 'id map'),
]);

const count = { pattern: /^\d+[kmg]?$/i, says: 'a number, with k, m or g behind it if you like' };
const id = { pattern: /^\d+$/, says: 'a number' };

/** Of a wrong value the kernel says no more than EINVAL. */
const tmpfsValues: Readonly<Record<string, { readonly pattern: RegExp; readonly says: string }>> = {
  size: { pattern: /^\d+[kmg%]?$/i, says: 'a number of bytes, with k, m, g or % behind it if you like' },
  nr_blocks: count,
  nr_inodes: count,
  mode: { pattern: /^0?[0-7]{3,4}$/, says: 'three or four octal digits' },
  uid: id,
  gid: id,
};
const tmpfsKeys = Object.keys(tmpfsValues);

function pairs(words: readonly string[], family: string): [string, string][] {
  return words.map((word) => [word, family]);
}

/** Given words by family; what is unknown or given against itself becomes a fault. */
function sortWords(words: readonly string[], known: ReadonlyMap<string, string>, keys: readonly string[], at: string, faults: Faults): Map<string, string> {
  const given = new Map<string, string>();
  for (const [index, word] of words.entries()) {
    const [key = ''] = word.split('=', 1);
    const family = keys.includes(key) && word.length > key.length + 1 ? key : known.get(word);
    const earlier = family === undefined ? undefined : given.get(family);
    if (family === undefined) faults.add(`${at}/${index}`, `unknown mount option ${show(word)}`, suggestion(word, [...known.keys(), ...keys]));
    else if (earlier !== undefined && earlier !== word) faults.add(`${at}/${index}`, `${show(earlier)} and ${show(word)} exclude each other`);
    else given.set(family, word);
  }
  return given;
}

function suggestion(word: string, known: readonly string[]): string {
  const near = nearest(word.slice(0, 64), known);
  return near === undefined ? `known are ${known.join(', ')}` : `did you mean ${show(near)}?`;
}

/** `option`: MountOption.readonly, which must not be contradicted. */
function access(given: ReadonlyMap<string, string>, option: boolean | undefined, at: string, faults: Faults): 'ro' | 'rw' | undefined {
  const word = given.get('access')?.slice(-2);
  if (word !== undefined && option !== undefined && (word === 'ro') !== option) faults.add(at, `readonly: ${option} and ${show(word)} exclude each other`);
  return option === true || word === 'ro' ? 'ro' : undefined;
}

export interface WordInput {
  readonly options: readonly string[];
  readonly readonly?: boolean | undefined;
  /** JSON pointer of the options. */
  readonly at: string;
}

/**
 * A volume: with everything mounted below it, private, and with nothing in it that gives rights or leads elsewhere. What
 * is said of the volume holds for all of it: without the `r` a mount below would keep its set-user-id programs.
 */
export function bindWords({ options, readonly, at }: WordInput, faults: Faults): string[] {
  const given = sortWords(options, bindFamilies, [], at, faults);
  const recursive = given.get('recursion') !== 'bind';
  const whole = (word: string) => (recursive && !bindFamilies.has(word.slice(1)) ? `r${word}` : word);
  const standing = (flag: Flag, byDefault: boolean) => isOff(given.get(flag), flag, byDefault);
  const walls = flags.filter((flag) => standing(flag, flag !== 'exec')).map((flag) => `no${flag}`);
  const others = ['access time', 'access time of folders', 'id map'].flatMap((family) => given.get(family) ?? []);
  const mode = access(given, readonly, at, faults);
  return [
    recursive ? 'rbind' : 'bind',
    given.get('propagation') ?? (recursive ? 'rprivate' : 'private'),
    ...[...walls, ...others, ...(mode === 'ro' ? [mode] : [])].map(whole),
  ];
}

/** A tmpfs has nothing below it, and nothing in it but what the container puts there. */
export function tmpfsWords({ options, readonly, at }: WordInput, defaultBytes: number, faults: Faults): string[] {
  const given = sortWords(options, families, tmpfsKeys, at, faults);
  checkValues(given, options, at, faults);
  const walls = flags.filter((flag) => isOff(given.get(flag), flag, flag !== 'symfollow')).map((flag) => `no${flag}`);
  const others = ['access time', 'access time of folders', 'nr_blocks', 'nr_inodes', 'uid', 'gid'].flatMap((family) => given.get(family) ?? []);
  const sized = given.has('size') || given.has('nr_blocks');
  return [
    ...walls,
    ...others,
    given.get('mode') ?? 'mode=1777',
    ...(sized ? [given.get('size') ?? []].flat() : [`size=${defaultBytes}`]),
    ...(access(given, readonly, at, faults) === 'ro' ? ['ro'] : []),
  ];
}

function checkValues(given: ReadonlyMap<string, string>, options: readonly string[], at: string, faults: Faults): void {
  for (const [key, { pattern, says }] of Object.entries(tmpfsValues)) {
    const word = given.get(key);
    if (word === undefined || pattern.test(word.slice(key.length + 1))) continue;
    faults.add(`${at}/${options.indexOf(word)}`, `${show(word)} is not what ${key} takes`, `give it ${says}`);
  }
}

function isOff(word: string | undefined, flag: Flag, byDefault: boolean): boolean {
  return word === undefined ? byDefault : word !== flag && word !== `r${flag}`;
}
