/** Roots of several layers without a store: folders on the host, and a name by which a runtime of this process finds them. */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { StartImages, type HeldImage } from '../../src/container/start-images.js';
import type { ResolvedImage } from '../../src/image/resolved-image.js';

const known = new Map<string, ResolvedImage>();
const resolve: unknown = Reflect.get(StartImages.prototype, 'resolve');

/** @param layers topmost first @param more for an image of a store */
export function nameLayers(name: string, layers: readonly string[], more: Partial<ResolvedImage> = {}): string {
  const [rootPath = '', ...lowerLayers] = layers;
  known.set(name, { kind: 'image', rootPath, lowerLayers, name, ...more });
  StartImages.prototype.resolve = async function (this: StartImages, ...asked: readonly unknown[]): Promise<HeldImage> {
    const image = known.get(String(asked[0]));
    if (image !== undefined) return { image, release: () => undefined };
    if (typeof resolve !== 'function') throw new Error('nothing looks for images');
    return (await Reflect.apply(resolve, this, asked)) as HeldImage;
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
