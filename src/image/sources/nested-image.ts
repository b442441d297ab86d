/** An image that is asked for by its digest, and that only an index of the layout names: one for a single platform, mostly. */
import type { Descriptor } from '../documents.js';
import { readImageDocument } from '../documents/manifest.js';
import { isIndexType } from '../documents/media-types.js';
import { documentError } from '../documents/shapes.js';
import { readManifest, type Blobs } from './blob-image.js';

/** Nobody nests deeper (`documents/search.ts`), and in a layout of more indexes an image is asked for through the entry that leads to it. */
const deepest = 4;
const mostRead = 1000;

/**
 * What `digest` is of, level by level; undefined where no index says. An index that cannot be read is an error only then, as it may have said.
 *
 * @throws ERR_TSRUN_IMAGE
 */
export async function findNested(blobs: Blobs, entries: readonly Descriptor[], digest: string): Promise<Descriptor | undefined> {
  const read = new Set<string>();
  let faulty: Descriptor | undefined;
  let level = entries;
  for (let depth = 1; depth <= deepest && level.length > 0; depth++) {
    const below: Descriptor[] = [];
    for (const index of level.filter(({ mediaType }) => isIndexType(mediaType))) {
      if (read.has(index.digest)) continue;
      if (read.size === mostRead) throw documentError(`${blobs.name} has more than ${mostRead} indexes, in which an image is not looked for by its digest`, 'name the one that it is in');
      read.add(index.digest);
      below.push(...(await childrenOf(blobs, index).catch(() => {
        faulty ??= index;
        return [];
      })));
    }
    const found = below.find((each) => each.digest === digest);
    if (found !== undefined) return found;
    level = below;
  }
  if (faulty !== undefined) await childrenOf(blobs, faulty);
  return undefined;
}

async function childrenOf(blobs: Blobs, index: Descriptor): Promise<readonly Descriptor[]> {
  const { bytes, label } = await readManifest(blobs, index);
  const document = readImageDocument(bytes, label, index.mediaType);
  return document.kind === 'index' ? document.index.manifests : [];
}
