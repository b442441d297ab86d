/** The end of a copy that lies in a container: whatever is looked at there, the archiver looks at, from inside. */
import { posix } from 'node:path';
import { isBind } from '../../spec/bind.js';
import { normalPath } from '../../spec/inner-path.js';
import type { TsrunError } from '../../spec/errors.js';
import { printable } from '../../spec/quote.js';
import type { Archiver } from '../archiver/archiver.js';
import type { Seen } from '../archiver/seen.js';
import type { ContainerTree } from '../container-tree.js';
import { circle, linkToNothing, parseCopyPath, refusal } from './copy-rules.js';
import type { DestinationEnd, SourceEnd } from './ends.js';

export interface ContainerEnd {
  readonly archiver: Pick<Archiver, 'look'>;
  readonly tree: ContainerTree;
  /** As it was typed; what is not absolute starts at the root. */
  readonly text: string;
  readonly signal: AbortSignal | undefined;
}

/** path_resolution(7). */
const mostLinks = 40;

/** @throws ERR_TSRUN_COPY */
export async function containerSource(end: ContainerEnd, followLink: boolean): Promise<SourceEnd> {
  const { path, isContents, isFolder } = parseCopyPath(end.text);
  refuseMounted(end.tree, path);
  const { place, record } = end.tree;
  const wanted = isFolder && path !== '/' ? `${path}/` : path;
  const { type } = await look(end, wanted, followLink);
  if (type === 'missing') throw await missing(end, path, isFolder);
  if (type !== 'folder' && isFolder) throw refusal(`'${printable(end.text, 400)}' in the container '${record.id}' is no folder`);
  return { place, path: wanted, follow: followLink, name: posix.basename(path), kind: type === 'folder' ? 'folder' : 'other', isContents };
}

async function missing(end: ContainerEnd, path: string, isFolder: boolean): Promise<TsrunError> {
  const { text, tree: { record: { id } } } = end;
  const seen = await look(end, path, false);
  return seen.type === 'link' ? linkToNothing(`'${printable(text, 400)}' in the container '${id}'`, seen.target, isFolder) : refusal(`there is no '${printable(text, 400)}' in the container '${id}'`);
}

/** A link leads to where it leads in the container, also to what is not there yet. @throws ERR_TSRUN_COPY */
export async function containerDestination(end: ContainerEnd): Promise<DestinationEnd> {
  const { path: asked, isFolder } = parseCopyPath(end.text);
  refuseMounted(end.tree, asked);
  const { place } = end.tree;
  let path = isFolder && asked !== '/' ? `${asked}/` : asked;
  for (let links = 0; links <= mostLinks; links++) {
    const seen = await look(end, path, false);
    if (seen.type === 'link') {
      path = seen.target.startsWith('/') ? seen.target : `${folderOf(path)}${seen.target}`;
      continue;
    }
    const known = { shown: links === 0 ? asked : path.replace(/(?<=.)\/+$/, ''), ...(links > 0 && { link: asked }), isFolder, into: { place, path }, as: { place, path: folderOf(path), name: lastOf(path) } };
    if (seen.type === 'missing') return { ...known, kind: 'missing', parent: seen.parent };
    return { ...known, kind: seen.type === 'folder' ? 'folder' : 'other', parent: 'folder' };
  }
  throw circle(`'${printable(end.text, 400)}' in the container '${end.tree.record.id}'`);
}

async function look({ archiver, tree: { place, record: { id } }, text, signal }: ContainerEnd, path: string, follow: boolean): Promise<Exclude<Seen, { type: 'kernel' }>> {
  const seen = await archiver.look({ place, path, follow, isCopy: true, signal });
  if (seen.type !== 'kernel') return seen;
  throw refusal(`'${printable(text, 400)}' in the container '${id}' is shown by the kernel, and is no file to copy`, `read or write it in there: tsrun exec ${id} cat ${printable(path, 200)}`);
}

/** With the slash at its end. By the text alone, since what is in front of it may be a link. */
function folderOf(path: string): string {
  const bare = path.replace(/\/+$/, '');
  return bare.slice(0, bare.lastIndexOf('/') + 1) || '/';
}

function lastOf(path: string): string {
  const bare = path.replace(/\/+$/, '');
  return bare.slice(bare.lastIndexOf('/') + 1);
}

/** In what a container has left there are no mounts, and what shows in their place nobody has seen. */
function refuseMounted({ place, record: { id, spec } }: ContainerTree, path: string): void {
  if ('container' in place) return;
  for (const mount of spec.mounts ?? []) {
    const destination = normalPath(mount.destination);
    if (path !== destination && !path.startsWith(`${destination}/`)) continue;
    const hint = isBind(mount) && mount.source !== undefined ? `copy from or to '${printable(mount.source, 400)}' itself` : 'copy while it runs';
    throw refusal(`'${printable(destination, 400)}' was a mount of the container '${id}', which has ended`, hint);
  }
}
