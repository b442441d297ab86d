/** Roots of several layers without a store: folders on the host, and a name by which a runtime of this process finds them. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { ImageCache } from '../../src/container/image-cache.js';
import type { ResolvedImage } from '../../src/image/resolved-image.js';

const known = new Map<string, ResolvedImage>();
const resolve: unknown = Reflect.get(ImageCache.prototype, 'resolve');

/** @param layers topmost first @param more for an image of a store */
export function nameLayers(name: string, layers: readonly string[], more: Partial<ResolvedImage> = {}): string {
  const [rootPath = '', ...lowerLayers] = layers;
  known.set(name, { kind: 'image', rootPath, lowerLayers, name, ...more });
  ImageCache.prototype.resolve = async function (this: ImageCache, path: string): Promise<ResolvedImage> {
    const image = known.get(path);
    if (image !== undefined) return image;
    if (typeof resolve !== 'function') throw new Error('there is no cache of images');
    return (await Reflect.apply(resolve, this, [path])) as ResolvedImage;
  };
  return name;
}

/** So many empty layers as a store has them. */
export function makeLayers(parent: string, count: number): string[] {
  const store = mkdtempSync(join(parent, 'layers-'));
  return Array.from({ length: count }, (_, index) => {
    const folder = join(store, `${index}`.padStart(64, '0'), 'diff');
    mkdirSync(folder, { recursive: true, mode: 0o755 });
    return folder;
  });
}
