/**
 * Images that were looked at before. An embedder runs the same few again and again; looking anew costs half a millisecond
 * of trips through the thread pool. One stat tells whether the folder is still the one that was looked at.
 */
import { statSync, type BigIntStats } from 'node:fs';
import { join } from 'node:path';
import { resolveImage, type ResolvedImage } from '../image/folder.js';

interface Known {
  readonly image: ResolvedImage;
  readonly identity: string;
}

const mostImages = 256;

export class ImageCache {
  readonly #known = new Map<string, Known>();

  async resolve(path: string): Promise<ResolvedImage> {
    const known = this.#known.get(path);
    if (known !== undefined) {
      if (identityOf(path, known.image.kind) === known.identity) return known.image;
    }
    const image = await resolveImage(path);
    if (this.#known.size >= mostImages) this.#known.clear();
    this.#known.set(path, { image, identity: identityOf(path, image.kind) });
    return image;
  }
}

/** Of a bundle also its config.json: it may be written again at any time. */
function identityOf(path: string, kind: ResolvedImage['kind']): string {
  const folder = identify(statSync(path, { bigint: true, throwIfNoEntry: false }));
  return kind === 'rootfs' ? folder : `${folder} ${identify(statSync(join(path, 'config.json'), { bigint: true, throwIfNoEntry: false }))}`;
}

function identify(stats: BigIntStats | undefined): string {
  return stats === undefined ? '' : `${stats.dev}:${stats.ino}:${stats.ctimeNs}`;
}
