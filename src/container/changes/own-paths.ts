/** What tsrun itself puts into a root is no change of the program's. */
import type { PathChange } from '../../image/image-types.js';

export interface OwnPaths {
  /** Where something is mounted: what lies there or below was made for it, and nobody sees it. */
  readonly mounts: readonly string[];
  /** Files as tsrun wrote them. */
  readonly files: readonly string[];
  /** Folders that were made where they were missing. */
  readonly folders: readonly string[];
}

/**
 * The program's changes alone, with the folders above each, as docker and podman list them; by path, in the order of its bytes.
 *
 * @param changes of the upper layer against what is below
 */
export function changesOfProgram(changes: readonly PathChange[], { mounts, files, folders }: OwnPaths): PathChange[] {
  const covered = new Set(mounts);
  const own = new Set(files);
  const program = changes.filter(({ path }) => !own.has(path) && !foldersTo(path).some((each) => covered.has(each)));
  const made = new Set([...mounts, ...files].flatMap((path) => foldersTo(path).slice(0, -1)).concat(folders.flatMap(foldersTo)));
  const needed = new Set(program.filter(({ path, kind }) => kind !== 'added' || !made.has(path)).flatMap(({ path }) => foldersTo(path)));
  const kept = new Map(program.filter(({ path }) => needed.has(path)).map((change) => [change.path, change]));
  for (const path of needed) if (!kept.has(path)) kept.set(path, { path, kind: 'changed', bytes: 0 });
  return [...kept.values()].sort((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
}

/** `/a`, `/a/b`, `/a/b/c`: all of them for the last. */
function foldersTo(path: string): string[] {
  const names = path.split('/').filter((name) => name !== '');
  return names.map((_name, index) => `/${names.slice(0, index + 1).join('/')}`);
}
