/** What an upper layer holds, as it was listed, laid over what is below it. */
import { attributesOf, type Owners } from '../../image/layer-changes.js';
import type { LayerComparison, LayerEntry, OpenFolder } from '../../image/layer-comparison.js';
import type { ListedEntry } from '../archiver/listed-entry.js';

interface UpperFolder {
  /** What the layers below have in it does not show. */
  readonly opaque: boolean;
  readonly entries: LayerEntry[];
}

export class Upper {
  readonly #owners: Owners;
  /** By path from the root of the layer on (`/a/b`), a character for each byte; the root is the empty one. */
  readonly #folders = new Map<string, UpperFolder>([['', { opaque: false, entries: [] }]]);
  /** What is no folder. */
  readonly #others = new Set<string>();
  /** Regular files, with their sizes. */
  readonly #sizes = new Map<string, number>();

  /** @param owners of what is listed */
  constructor(owners: Owners) {
    this.#owners = owners;
  }

  /** In the order of the list: a folder before what is in it. */
  add(listed: ListedEntry): void {
    const path = listed.path.toString('latin1');
    if (path === '') return;
    const slash = path.lastIndexOf('/');
    const whole = `/${path}`;
    const parent = this.#folders.get(slash < 0 ? '' : `/${path.slice(0, slash)}`);
    // What became another thing while it was listed is told of as what it is now, or not at all.
    if (parent === undefined) return;
    parent.entries.push(this.#entryOf(listed, path.slice(slash + 1)));
    if (listed.type === 'folder') this.#folders.set(whole, { opaque: listed.opaque, entries: [] });
    else this.#others.add(whole);
    if (listed.type === 'file') this.#sizes.set(whole, listed.size);
  }

  /** Undefined where there is no regular file. */
  sizeOf(path: string): number | undefined {
    return this.#sizes.get(Buffer.from(path).toString('latin1'));
  }

  /** Whether it matters what the layers below have in a folder: it is there in this one too, or hidden by it with all that is in it. */
  concerns(path: string): boolean {
    if (this.#folders.has(path)) return true;
    for (let above = path; above !== ''; above = above.slice(0, above.lastIndexOf('/'))) {
      if (this.#others.has(above)) return true;
      const folder = this.#folders.get(above);
      if (folder !== undefined) return folder.opaque;
    }
    return false;
  }

  /** As the topmost layer. */
  layOver(comparison: LayerComparison): void {
    comparison.begin();
    const left: (OpenFolder & { readonly path: string })[] = [{ node: comparison.root, opaque: false, path: '' }];
    for (let folder = left.pop(); folder !== undefined; folder = left.pop()) {
      const { path, opaque } = folder;
      for (const [key, node] of comparison.lay(folder, this.#folders.get(path)?.entries ?? [])) {
        const inner = this.#folders.get(`${path}/${key}`);
        if (inner !== undefined) left.push({ node, opaque: opaque || inner.opaque, path: `${path}/${key}` });
      }
    }
  }

  #entryOf({ type, size, inode, mode, uid, gid }: ListedEntry, key: string): LayerEntry {
    return {
      key,
      name: Buffer.from(key, 'latin1').toString(),
      kind: type === 'folder' || type === 'file' || type === 'whiteout' ? type : 'other',
      bytes: size,
      ...(type === 'file' && inode !== undefined && { inode }),
      attributes: attributesOf({ mode, uid, gid }, this.#owners),
    };
  }
}
