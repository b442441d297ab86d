/**
 * Layers of a root, opened as few mounts: an image has up to a hundred, and nearly always they lie side by side in one
 * store. Opening and id-mapping a mount for each costs more than all the rest of a start.
 */
import { posix } from 'node:path';

/** A mount to open, and which of the layers lie in it. */
export interface LayerGroup {
  readonly path: string;
  /** With what is mounted below it, so that a layer that is a mount of its own is noticed, and not what it covers taken for it. */
  readonly recursive: boolean;
  readonly layers: readonly PlacedLayer[];
}

interface PlacedLayer {
  /** From the top. */
  readonly index: number;
  /** Below the group's path; empty where the layer is all of it. */
  readonly folder: string;
}

/** What an overlay is laid of, topmost first. */
export interface Layers {
  /** For each layer the mount that it lies in. */
  readonly slots: readonly number[];
  /** And the folder of that; empty: all of it. */
  readonly folders: readonly string[];
  /** Each mount once. */
  readonly trees: readonly number[];
}

/**
 * A store has its layers in `layers/KEY/diff`. The topmost layer's group comes first. An image may have a layer twice, which
 * overlayfs refuses (ELOOP): all that the lower one shows is in the upper one.
 */
export function groupLayers(all: readonly string[]): readonly LayerGroup[] {
  const paths = [...new Set(all.map((path) => posix.normalize(path).replace(/(?<=.)\/$/, '')))];
  const byStore = new Map<string, number[]>();
  for (const [index, path] of paths.entries()) {
    const store = storeOf(path);
    byStore.set(store, [...(byStore.get(store) ?? []), index]);
  }
  return [...byStore].flatMap(([store, indexes]): LayerGroup[] => {
    const layers = indexes.map((index) => ({ index, path: paths[index] ?? '' }));
    if (layers.length === 1 || store === '/') return layers.map(({ index, path }) => ({ path, recursive: false, layers: [{ index, folder: '' }] }));
    return [{ path: store, recursive: true, layers: layers.map(({ index, path }) => ({ index, folder: posix.relative(store, path) })) }];
  });
}

function storeOf(path: string): string {
  return posix.dirname(posix.dirname(path));
}

/** @param trees the slots of the groups' mounts */
export function layersOf(groups: readonly LayerGroup[], trees: readonly number[]): Layers {
  const placed = groups.flatMap(({ layers }, group) => layers.map(({ index, folder }) => ({ index, folder, slot: trees[group] ?? -1 })));
  placed.sort((one, other) => one.index - other.index);
  return { slots: placed.map(({ slot }) => slot), folders: placed.map(({ folder }) => folder), trees };
}
