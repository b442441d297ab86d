/** What lies in a folder, entry by entry, as tools of the system tell it: to compare trees that different programs made. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync, type BigIntStats } from 'node:fs';

export interface TreeEntry {
  readonly type: string;
  readonly mode: string;
  readonly owner: string;
  /** Seconds, and nanoseconds below. */
  readonly mtime?: string;
  readonly size?: number;
  readonly sha256?: string;
  readonly link?: string;
  readonly device?: string;
  /** The first name, in order, of the same file. */
  readonly same?: string;
  readonly xattrs?: Readonly<Record<string, string>>;
}

export type Tree = Readonly<Record<string, TreeEntry>>;

export interface TreeOptions {
  /** Default true. */
  readonly times?: boolean;
  /** Which extended attributes count. Default: all. */
  readonly xattrs?: (name: string) => boolean;
}

/** Names that are not UTF-8 with each such byte as `\xNN`. */
export function readTree(root: string, { times = true, xattrs = () => true }: TreeOptions = {}): Tree {
  const attributes = readXattrs(root);
  const first = new Map<bigint, string>();
  const tree: Record<string, TreeEntry> = {};
  for (const path of pathsIn(Buffer.from(root), '')) {
    const full = Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')]);
    const status = lstatSync(full, { bigint: true });
    const name = path === '' ? '.' : shown(path);
    const kept = Object.entries(attributes.get(path === '' ? '.' : path) ?? {}).filter(([key]) => xattrs(key));
    tree[name] = {
      type: typeOf(status),
      mode: (Number(status.mode) & 0o7777).toString(8),
      owner: `${status.uid}:${status.gid}`,
      ...(times && { mtime: String(status.mtimeNs) }),
      ...(status.isFile() && { size: Number(status.size), sha256: createHash('sha256').update(readFileSync(full)).digest('hex').slice(0, 16) }),
      ...(status.isSymbolicLink() && { link: readlinkSync(full) }),
      ...(status.rdev !== 0n || status.isCharacterDevice() ? { device: `${status.rdev >> 8n}:${status.rdev & 255n}` } : {}),
      ...sameAs(status, name, first),
      ...(kept.length > 0 && { xattrs: Object.fromEntries(kept) }),
    };
  }
  return tree;
}

/** Just the paths, folders with a slash behind. */
export function readNames(root: string): string[] {
  return pathsIn(Buffer.from(root), '').slice(1).map((path) => (lstatSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from(path, 'latin1')])).isDirectory() ? `${shown(path)}/` : shown(path))).sort();
}

function sameAs(status: BigIntStats, name: string, first: Map<bigint, string>): { readonly same?: string } {
  if (status.isDirectory() || status.nlink < 2n) return {};
  const known = first.get(status.ino);
  if (known === undefined) first.set(status.ino, name);
  return { same: known ?? name };
}

/** Bytes as characters (latin1), in order. */
function pathsIn(root: Buffer, below: string): string[] {
  const folder = below === '' ? root : Buffer.concat([root, Buffer.from('/'), Buffer.from(below, 'latin1')]);
  const names = readdirSync(folder, { encoding: 'buffer', withFileTypes: true }).map((entry) => ({ name: entry.name.toString('latin1'), isFolder: entry.isDirectory() }));
  const inner = names.toSorted((a, b) => (a.name < b.name ? -1 : 1)).flatMap(({ name, isFolder }) => {
    const path = below === '' ? name : `${below}/${name}`;
    return isFolder ? pathsIn(root, path) : [path];
  });
  return [below, ...inner];
}

function typeOf(status: BigIntStats): string {
  if (status.isFile()) return 'file';
  if (status.isDirectory()) return 'folder';
  if (status.isSymbolicLink()) return 'link';
  if (status.isFIFO()) return 'pipe';
  if (status.isCharacterDevice()) return 'character device';
  return status.isBlockDevice() ? 'block device' : 'other';
}

function shown(path: string): string {
  const text = Buffer.from(path, 'latin1').toString('utf8');
  return text.includes('\ufffd') ? path.replace(/[\x80-\xff]/g, (byte) => `\\x${byte.charCodeAt(0).toString(16)}`) : text;
}

/** By getfattr(1), whose names have other bytes than these in octal. */
function readXattrs(root: string): Map<string, Record<string, string>> {
  const { stdout, error } = spawnSync('getfattr', ['--recursive', '--no-dereference', '--physical', '--dump', '--match=-', '--encoding=hex', '.'], { cwd: root, encoding: 'latin1', maxBuffer: 64 * 2 ** 20 });
  if (error !== undefined) throw error;
  const found = new Map<string, Record<string, string>>();
  for (const part of stdout.split('\n\n')) {
    const [head = '', ...lines] = part.trim().split('\n');
    const path = /^# file: (.*)$/.exec(head)?.[1]?.replace(/\\([0-7]{3})/g, (_match, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
    if (path === undefined) continue;
    found.set(path.replace(/^\.\//, ''), Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)])));
  }
  return found;
}
