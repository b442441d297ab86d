/**
 * Images that were looked at before. An embedder runs the same few again and again; looking anew costs half a millisecond
 * of trips through the thread pool. A stat tells whether the folder is still the one that was looked at; of a
 * bundle also its config.json and its root.
 */
import { realpathSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { resolveImage } from '../image/folder.js';
import type { ResolvedImage } from '../image/resolved-image.js';

interface Known {
  readonly image: ResolvedImage;
  /** What was looked at, each with its identity. */
  readonly places: readonly Place[];
}

interface Place {
  readonly path: string;
  readonly identity: string;
}

const mostImages = 256;

export class ImageCache {
  readonly #known = new Map<string, Known>();

  async resolve(path: string): Promise<ResolvedImage> {
    const known = this.#known.get(path);
    if (known?.places.every(isSame) === true) return known.image;
    // Before it is read: what changes meanwhile is found changed the next time.
    const [folder, config] = [look(path), look(join(path, 'config.json'))];
    const image = await resolveImage(path);
    if (this.#known.size >= mostImages) this.#known.clear();
    this.#known.set(path, { image, places: image.kind === 'bundle' ? [folder, config, rootOf(path, image)] : [folder] });
    return image;
  }
}

/** It may be a link out of the bundle, which leads to another release tomorrow. */
function rootOf(path: string, { spec, rootPath }: ResolvedImage): Place {
  return look(resolve(realpathSync(path), spec?.root?.path ?? rootPath));
}

function isSame({ path, identity }: Place): boolean {
  return identity !== unknown && look(path).identity === identity;
}

const unknown = '';

function look(path: string): Place {
  try {
    const { dev, ino, ctimeNs } = statSync(path, { bigint: true });
    return { path, identity: `${dev}:${ino}:${ctimeNs}` };
  } catch {
    return { path, identity: unknown }; // Whoever reads it says why.
  }
}
