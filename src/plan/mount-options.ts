/** Mount options in the words of mount(8) and the runtime-spec, sorted into what the kernel takes where. */
import { nearest, TsrunError } from '../spec/errors.js';

/** MOUNT_ATTR_* of mount_setattr(2). */
export const mountAttributes = {
  readonly: 0x1n,
  nosuid: 0x2n,
  nodev: 0x4n,
  noexec: 0x8n,
  noatime: 0x10n,
  strictatime: 0x20n,
  atimeMask: 0x70n,
  nodiratime: 0x80n,
  nosymfollow: 0x20_0000n,
} as const;

/** MS_* propagation types of mount(2). */
export const propagations: ReadonlyMap<string, number> = new Map([
  ['shared', 1 << 20],
  ['private', 1 << 18],
  ['slave', 1 << 19],
  ['unbindable', 1 << 17],
]);

export const privatePropagation = 1 << 18;

interface AttributeChange {
  readonly set?: bigint;
  readonly clear?: bigint;
  /** Takes back what an earlier word set, and leaves the mount as it is otherwise. */
  readonly unset?: bigint;
}

const attributeWords: ReadonlyMap<string, AttributeChange> = new Map(Object.entries<AttributeChange>({
  ro: { set: mountAttributes.readonly },
  rw: { clear: mountAttributes.readonly },
  nosuid: { set: mountAttributes.nosuid },
  suid: { clear: mountAttributes.nosuid },
  nodev: { set: mountAttributes.nodev },
  dev: { clear: mountAttributes.nodev },
  noexec: { set: mountAttributes.noexec },
  exec: { clear: mountAttributes.noexec },
  atime: { clear: mountAttributes.atimeMask },
  noatime: { set: mountAttributes.noatime, clear: mountAttributes.atimeMask },
  relatime: { clear: mountAttributes.atimeMask },
  // The kernel's own choice.
  norelatime: {},
  nostrictatime: { unset: mountAttributes.strictatime },
  strictatime: { set: mountAttributes.strictatime, clear: mountAttributes.atimeMask },
  nodiratime: { set: mountAttributes.nodiratime },
  diratime: { clear: mountAttributes.nodiratime },
  nosymfollow: { set: mountAttributes.nosymfollow },
  symfollow: { clear: mountAttributes.nosymfollow },
}));

/**
 * Words that change nothing here: they say what is so anyway, are for tools above the kernel, or of what kernels since 5.14 do by
 * themselves (versions of inodes; access control lists, where the file system has them) or not at all (mandatory locks, 5.15).
 */
const silentWords: ReadonlySet<string> = new Set([
  ...['defaults', 'bind', 'rbind', 'async', 'mand', 'nomand', 'iversion', 'noiversion', 'silent', 'loud', 'nolazytime', 'acl', 'noacl'],
  ...['remount', 'tmpcopyup', 'src-nofollow', 'dest-nofollow', 'copy-symlink'],
]);

/** Of a file system as a whole: what is bound has them already, and keeps them. */
export const fileSystemWords: ReadonlySet<string> = new Set(['sync', 'dirsync', 'lazytime']);

/** All that stand for a mount and not for a file system, less those that hold for what is below it as well. */
export const mountWords: readonly string[] = [...attributeWords.keys(), ...propagations.keys()];

/** All that `readMountOptions` takes for itself. */
export const knownMountWords: readonly string[] = [...mountWords, ...mountWords.map((word) => `r${word}`), ...silentWords, 'idmap', 'ridmap'];

export interface Attributes {
  set: bigint;
  clear: bigint;
}

export interface MountOptions {
  /** For the mount alone. */
  readonly own: Attributes;
  /** For the mount and everything below it (`rro`, `rnosuid` …). */
  readonly recursive: Attributes;
  readonly propagation: number | undefined;
  readonly propagationRecursive: boolean;
  readonly bindRecursive: boolean;
  /** `idmap`/`ridmap`: owners go through the container's user namespace. */
  readonly idMap: 'no' | 'own' | 'recursive';
  /** Everything else, for the file system. */
  readonly data: readonly string[];
}

export function readMountOptions(options: readonly string[] = []): MountOptions {
  const own: Attributes = { set: 0n, clear: 0n };
  const recursive: Attributes = { set: 0n, clear: 0n };
  const data: string[] = [];
  let propagation: number | undefined;
  let propagationRecursive = false;
  let idMap: MountOptions['idMap'] = 'no';
  for (const option of options) {
    const recursiveWord = option.startsWith('r') ? option.slice(1) : '';
    const change = attributeWords.get(option);
    const recursiveChange = attributeWords.get(recursiveWord);
    if (change !== undefined) apply(own, change);
    else if (propagations.has(option)) [propagation, propagationRecursive] = [propagations.get(option), false];
    else if (propagations.has(recursiveWord)) [propagation, propagationRecursive] = [propagations.get(recursiveWord), true];
    else if (recursiveChange !== undefined) apply(recursive, recursiveChange);
    else if (option === 'idmap') idMap = 'own';
    else if (option === 'ridmap') idMap = 'recursive';
    else if (!silentWords.has(option)) data.push(option);
  }
  return { own, recursive, propagation, propagationRecursive, bindRecursive: options.includes('rbind'), idMap, data };
}

function apply(attributes: Attributes, { set = 0n, clear = 0n, unset = 0n }: AttributeChange): void {
  attributes.clear |= clear;
  attributes.set = (attributes.set & ~clear & ~unset) | set;
}

/** Bind mounts have no file system of their own, so an option that is left over is a mistake. */
export function refuseData(data: readonly string[], field: string): void {
  const unknown = data.find((word) => !fileSystemWords.has(word));
  if (unknown === undefined) return;
  const near = nearest(unknown, mountWords);
  throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `mount option '${unknown}' is not known for a bind mount`, {
    field,
    hint: near === undefined ? 'see mount(8) for what a bind mount can be given' : `did you mean '${near}'?`,
  });
}
