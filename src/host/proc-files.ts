/** Pure readers of the files in /proc/<pid> that tell how a process is walled in (proc(5)). */
import { decodeCapabilities } from './decode-capabilities.js';
import { rlimitNames, type RlimitName } from '../spec/rlimits.js';
import type { IdMapping } from '../spec/types.js';

export interface ProcessStatus {
  /** As the reader's user namespace counts; 65534 where it does not know the id. */
  readonly uid: ProcessIds;
  readonly gid: ProcessIds;
  readonly groups: readonly number[];
  readonly umask: number;
  readonly capabilities: CapabilitySets;
  readonly noNewPrivileges: boolean;
  readonly seccompMode: 'off' | 'strict' | 'filter';
  readonly seccompFilters: number;
}

/** Ids of a process (credentials(7)). */
export interface ProcessIds {
  /** Whose process it is: who may send it signals. */
  readonly real: number;
  /** What permissions are checked with. */
  readonly effective: number;
  /** What the effective id may become again. */
  readonly saved: number;
}

/** The five sets of capabilities of a process (capabilities(7)), as names. */
export interface CapabilitySets {
  /** Held now. */
  readonly effective: readonly string[];
  /** May be made effective. */
  readonly permitted: readonly string[];
  /** Kept over execve, where the file's inheritable set has them as well; empty in containers (CVE-2022-24769). */
  readonly inheritable: readonly string[];
  /** No execve gives one that is not here. */
  readonly bounding: readonly string[];
  /** Kept over execve by programs without file capabilities. */
  readonly ambient: readonly string[];
}

const seccompModes = ['off', 'strict', 'filter'] as const;

export function parseStatus(text: string): ProcessStatus {
  const values = new Map(text.split('\n').map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()]));
  const value = (name: string) => values.get(name) ?? '';
  const numbers = (name: string) => value(name).split(/\s+/).filter((word) => word !== '').map(Number);
  const ids = (name: string): ProcessIds => {
    const [real = 0, effective = real, saved = real] = numbers(name);
    return { real, effective, saved };
  };
  const set = (name: string) => decodeCapabilities(value(name) || '0');
  return {
    uid: ids('Uid'),
    gid: ids('Gid'),
    groups: numbers('Groups'),
    umask: Number.parseInt(value('Umask') || '0', 8),
    capabilities: {
      effective: set('CapEff'),
      permitted: set('CapPrm'),
      inheritable: set('CapInh'),
      bounding: set('CapBnd'),
      ambient: set('CapAmb'),
    },
    noNewPrivileges: value('NoNewPrivs') === '1',
    seccompMode: seccompModes[Number(value('Seccomp'))] ?? 'off',
    // The count came with Linux 5.9.
    seccompFilters: Number(value('Seccomp_filters')),
  };
}

export function parseIdMap(text: string): IdMapping[] {
  return [...text.matchAll(/^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/gm)].map(([, inner, outer, size]) => ({
    containerID: Number(inner),
    hostID: Number(outer),
    size: Number(size),
  }));
}

/** One resource limit of a process. */
export interface RlimitReading {
  /** By its full name: `RLIMIT_NOFILE`. */
  readonly name: RlimitName;
  /** `unlimited`, or the figure; a text, since it may be above 2^53. */
  readonly soft: string;
  /** What the soft limit may be raised to. */
  readonly hard: string;
}

/** /proc/<pid>/limits: a heading, then the limits in the order of their numbers. */
export function parseLimits(text: string): RlimitReading[] {
  return text
    .split('\n')
    .slice(1)
    .flatMap((line, number) => {
      const [, soft, hard] = /^.{25} (\S+) +(\S+)/.exec(line) ?? [];
      const name = rlimitNames[number];
      return soft === undefined || hard === undefined || name === undefined ? [] : [{ name, soft, hard }];
    });
}

/** One line of `/proc/<pid>/mountinfo` (proc(5)). */
export interface MountReading {
  /** In the container, absolute. */
  readonly point: string;
  /** Of the file system: `overlay`, `tmpfs` … */
  readonly type: string;
  /** What the file system says that it comes from; for most in memory a mere word. */
  readonly source: string;
  /** Of this mount: `ro`, `nosuid`, `idmapped` … */
  readonly flags: readonly string[];
  /** Of the file system: `size=65536k`, `lowerdir=…`. */
  readonly options: readonly string[];
  /** `private`, `shared:7`, `master:3`, `unbindable`. */
  readonly propagation: string;
}

/** /proc/<pid>/mountinfo: optional fields end with a lone dash; blanks in names are octal escapes. */
export function parseMountinfo(text: string): MountReading[] {
  return text.split('\n').flatMap((line) => {
    const words = line.split(' ').map(unescape);
    const dash = words.indexOf('-', 6);
    if (dash < 0) return [];
    const [, , , , point = '', flags = ''] = words;
    const [type = '', source = '', options = ''] = words.slice(dash + 1);
    const propagation = words.slice(6, dash).join(' ') || 'private';
    return [{ point, type, source, flags: flags.split(','), options: options.split(',').filter((word) => word !== ''), propagation }];
  });
}

function unescape(word: string): string {
  return word.replace(/\\([0-7]{3})/g, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Names of network interfaces, from /proc/<pid>/net/dev. */
export function parseInterfaces(text: string): string[] {
  return [...text.matchAll(/^\s*([^\s:|]+):/gm)].flatMap(([, name]) => name ?? []);
}

/** `mnt:[4026531841]`, as links in /proc/<pid>/ns read. */
export function parseNamespaceLink(link: string): number | undefined {
  const inode = /^\w+:\[(\d+)\]$/.exec(link)?.[1];
  return inode === undefined ? undefined : Number(inode);
}
