/**
 * Files as a program of a container found them when it was started: those of its image, and of what is mounted over it. Links are
 * followed here, since they may lead into a mount, and only to say where a file lies; it is read by `readInRoot`, which leaves no root
 * whatever is changed meanwhile.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, posix } from 'node:path';
import type { ShownFiles } from '../image-files.js';
import { isBind } from '../../spec/bind.js';
import type { Mount } from '../../spec/types.js';

export interface InnerFile {
  /** As it was asked for. */
  readonly path: string;
  /** Without links. */
  readonly realPath: string;
  readonly bytes: Buffer;
}

/** At most so many bytes of a file; null when it is missing. Throws where it cannot be told. */
export type ReadInner = (path: string, limitBytes: number) => InnerFile | null;

interface Layer {
  readonly at: string;
  /** On the host; empty for a file system in which nothing is before a program runs, undefined for one that cannot be seen from here. */
  readonly source: string | undefined;
}

/** As in path_resolution(7). */
const mostLinks = 40;
const emptyTypes: ReadonlySet<string> = new Set(['tmpfs', 'proc', 'sysfs', 'cgroup', 'cgroup2', 'devpts', 'mqueue']);

export function innerFiles(files: ShownFiles, rootPath: string, mounts: readonly Mount[]): ReadInner {
  const layers: Layer[] = [{ at: '/', source: rootPath }];
  // One after the other: the links on the way to a mount may be those of an earlier one.
  for (const mount of mounts) layers.push({ at: realPathIn(files, layers, mount.destination), source: sourceOf(mount) });
  return (path, limitBytes) => {
    const realPath = realPathIn(files, layers, path);
    const place = placeOf(layers, realPath);
    if (place === undefined) return null;
    const [root, inner] = place.inner === '' ? [dirname(place.source), basename(place.source)] : [place.source, place.inner];
    const bytes = files.readInRoot(root, inner, limitBytes);
    return bytes === null ? null : { path, realPath, bytes };
  };
}

function sourceOf(mount: Mount): string | undefined {
  const { type = '', source = '' } = mount;
  if (isBind(mount)) return realpathSync(source);
  return emptyTypes.has(type) ? '' : undefined;
}

/** What was mounted last covers what was there. */
function placeOf(layers: readonly Layer[], path: string): { readonly source: string; readonly inner: string } | undefined {
  const layer = layers.findLast(({ at }) => at === '/' || path === at || path.startsWith(`${at}/`));
  if (layer?.source === undefined) throw new Error(`'${path}' lies in a file system that cannot be seen from here`);
  if (layer.source === '') return undefined;
  return { source: layer.source, inner: path.slice(layer.at.length).replace(/^\//, '') };
}

function realPathIn(files: ShownFiles, layers: readonly Layer[], path: string): string {
  const rest = path.split('/');
  let at = '/';
  let links = 0;
  for (let name = rest.shift(); name !== undefined; name = rest.shift()) {
    const next = posix.join(at, name);
    const target = name === '' || name === '.' || name === '..' ? undefined : linkAt(files, layers, next);
    if (target === undefined) {
      at = next;
      continue;
    }
    if (++links > mostLinks) throw new Error(`too many links in '${path}'`);
    rest.unshift(...target.split('/'));
    if (target.startsWith('/')) at = '/';
  }
  return at.length > 1 ? at.replace(/\/$/, '') : at;
}

/** All above it was found to be no link. */
function linkAt(files: ShownFiles, layers: readonly Layer[], path: string): string | undefined {
  const place = placeOf(layers, path);
  if (place === undefined || place.inner === '') return undefined;
  return files.readLink(place.source, place.inner);
}
