/**
 * Folders that were looked at before. An embedder runs the same few again and again; looking anew costs a dozen
 * system calls. A stat tells whether the folder is still the one that was looked at; of a
 * bundle also its config.json and its root.
 */
import { realpathSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { examineFolder } from '../image/folder.js';
import type { ResolvedImage } from '../image/resolved-image.js';
import { isUnchanged, seeFile, type SeenFile } from './file-identity.js';

interface Known {
  readonly image: ResolvedImage;
  readonly seen: readonly SeenFile[];
}

const mostImages = 256;

export class ImageCache {
  readonly #known = new Map<string, Known>();

  /** One that was looked at before, and has not changed. */
  known(path: string): ResolvedImage | undefined {
    const known = this.#known.get(path);
    return known?.seen.every(isUnchanged) === true ? known.image : undefined;
  }

  /** Undefined for a folder that is not run as it is: images in it are to be unpacked. @throws as `examineFolder` */
  async find(path: string): Promise<ResolvedImage | undefined> {
    const known = this.known(path);
    if (known !== undefined) return known;
    // Before it is read: what changes meanwhile is found changed the next time.
    const [folder, config] = [seeFile(path), seeFile(join(path, 'config.json'))];
    const image = await examineFolder(path);
    if (image.kind === 'packed') return undefined;
    if (this.#known.size >= mostImages) this.#known.clear();
    this.#known.set(path, { image, seen: image.kind === 'bundle' ? [folder, config, rootOf(path, image)] : [folder] });
    return image;
  }
}

/** It may be a link out of the bundle, which leads to another release tomorrow. */
function rootOf(path: string, { spec, rootPath }: ResolvedImage): SeenFile {
  return seeFile(resolve(realpathSync(path), spec?.root?.path ?? rootPath));
}
