/** What each layer of an image adds, changes and removes, and what nobody sees in the end. Works on listings alone. */
import { Efficiency } from './efficiency.js';
import type { ImageChanges, LayerChanges, PathChange } from './image-types.js';

/** One entry of one folder of a layer, in overlayfs's form. */
export interface LayerEntry {
  /** Tells names apart, whatever bytes they are of. */
  readonly key: string;
  /** For people. */
  readonly name: string;
  readonly kind: 'folder' | 'file' | 'other' | 'whiteout';
  /** Of a file. */
  readonly bytes: number;
  /** Of a file with several names: what tells that two are one. */
  readonly inode?: string;
  /** Mode and owner: a folder that stands in two layers has changed when these have. */
  readonly attributes: string;
}

/** What a file takes, however many names it has. */
interface Content {
  readonly layer: number;
  readonly bytes: number;
  names: number;
}

interface Node {
  readonly path: string;
  readonly attributes: string;
  readonly content: Content | undefined;
  /** Of a folder. */
  readonly children: Map<string, Node> | undefined;
}

interface Tally {
  bytes: number;
  addedBytes: number;
  changedBytes: number;
  removedBytes: number;
  wastedBytes: number;
  readonly changes: PathChange[];
  readonly contents: Map<string, Content>;
}

/** A folder that has to be gone into: its entries, laid over what is there. */
export interface OpenFolder {
  readonly node: Node;
  /** All that the layers below have in it is hidden. */
  readonly opaque: boolean;
}

/** Layers are laid one over the other, the lowest first, folder by folder. */
export class LayerComparison {
  readonly #tallies: Tally[] = [];
  readonly #efficiency = new Efficiency();
  readonly root: Node = { path: '', attributes: '', content: undefined, children: new Map() };

  begin(): void {
    this.#tallies.push({ bytes: 0, addedBytes: 0, changedBytes: 0, removedBytes: 0, wastedBytes: 0, changes: [], contents: new Map() });
  }

  /** @returns the folder for each entry that is one, by its key */
  lay({ node, opaque }: OpenFolder, entries: readonly LayerEntry[]): Map<string, Node> {
    const children = node.children ?? new Map<string, Node>();
    if (opaque) {
      const own = new Set(entries.map(({ key }) => key));
      for (const [key, child] of children) if (!own.has(key)) this.#remove(children, key, child, true);
    }
    const folders = new Map<string, Node>();
    for (const entry of entries) {
      const existing = children.get(entry.key);
      if (entry.kind === 'whiteout') {
        if (existing !== undefined) this.#remove(children, entry.key, existing);
        continue;
      }
      const laid = this.#put(children, entry, existing, `${node.path}/${entry.name}`);
      if (laid.children !== undefined) folders.set(entry.key, laid);
    }
    return folders;
  }

  finish(): ImageChanges {
    const bytes = sum(this.#tallies.map((tally) => tally.bytes));
    const wasted = this.#efficiency.wasted();
    const wastedBytes = sum(wasted.map((path) => path.bytes));
    const userBytes = bytes - (this.#tallies[0]?.bytes ?? 0);
    return {
      layers: this.#tallies.map(layerChanges),
      bytes,
      wastedBytes,
      efficiency: this.#efficiency.ratio,
      userWastedRatio: userBytes === 0 ? 0 : wastedBytes / userBytes,
      wasted,
    };
  }

  #put(children: Map<string, Node>, entry: LayerEntry, existing: Node | undefined, path: string): Node {
    const isFolder = entry.kind === 'folder';
    if (isFolder && existing?.children !== undefined) {
      if (existing.attributes === entry.attributes) return existing;
      const changed = { ...existing, attributes: entry.attributes };
      children.set(entry.key, changed);
      this.#tell({ path, kind: 'changed', bytes: 0 });
      return changed;
    }
    const hidden = existing === undefined ? 0 : this.#drop(existing);
    const content = entry.kind === 'file' ? this.#contentOf(entry) : undefined;
    const node: Node = { path, attributes: entry.attributes, content, children: isFolder ? new Map() : undefined };
    children.set(entry.key, node);
    const kind = existing === undefined ? 'added' : 'changed';
    const bytes = content?.names === 1 ? content.bytes : 0;
    if (!isFolder) this.#efficiency.see(path, bytes);
    this.#tell({ path, kind, bytes, ...(kind === 'changed' && { hiddenBytes: hidden }) });
    return node;
  }

  /** @param byOpaque it is hidden with the folder that it is in, and no whiteout names it */
  #remove(children: Map<string, Node>, key: string, node: Node, byOpaque = false): void {
    children.delete(key);
    const bytes = this.#drop(node);
    if (!byOpaque) this.#efficiency.see(node.path, node.children === undefined ? 0 : bytes);
    this.#tell({ path: node.path, kind: 'removed', bytes });
  }

  #contentOf({ bytes, inode }: LayerEntry): Content {
    const tally = this.#current;
    const known = inode === undefined ? undefined : tally.contents.get(inode);
    if (known !== undefined) {
      known.names++;
      return known;
    }
    const content = { layer: this.#tallies.length - 1, bytes, names: 1 };
    if (inode !== undefined) tally.contents.set(inode, content);
    tally.bytes += bytes;
    return content;
  }

  /** Bytes that nobody sees any more: a file that has another name still shows. */
  #drop(dropped: Node): number {
    let hidden = 0;
    const left = [dropped];
    for (let node = left.pop(); node !== undefined; node = left.pop()) {
      for (const child of node.children?.values() ?? []) left.push(child);
      const { content } = node;
      if (content === undefined || --content.names > 0) continue;
      hidden += content.bytes;
      const tally = this.#tallies[content.layer];
      if (tally !== undefined) tally.wastedBytes += content.bytes;
    }
    return hidden;
  }

  #tell(change: PathChange): void {
    const tally = this.#current;
    tally.changes.push(change);
    tally[`${change.kind}Bytes`] += change.bytes;
  }

  get #current(): Tally {
    const tally = this.#tallies.at(-1);
    if (tally === undefined) throw new Error('no layer was begun');
    return tally;
  }
}

function layerChanges({ bytes, addedBytes, changedBytes, removedBytes, wastedBytes, changes }: Tally): LayerChanges {
  const count = (kind: PathChange['kind']) => changes.filter((change) => change.kind === kind).length;
  return { bytes, added: count('added'), changed: count('changed'), removed: count('removed'), addedBytes, changedBytes, removedBytes, wastedBytes, changes };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
