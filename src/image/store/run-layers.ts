/** The folders that overlayfs is given for an image, topmost first. */
import type { ImageLayerRecord } from './records.js';
import type { StoreLayout } from './layout.js';

/**
 * Layers that hold nothing are left out, and of one that an image has twice the upper one counts: it holds all that the lower one does,
 * and overlayfs refuses the same folder twice (ELOOP).
 *
 * @param layers the lowest first
 */
export function layerFolders(layout: StoreLayout, layers: readonly Pick<ImageLayerRecord, 'key' | 'entries'>[]): string[] {
  const topmostFirst = [...layers].reverse();
  const filled = topmostFirst.filter(({ entries }) => entries > 0);
  const kept = filled.length > 0 ? filled : topmostFirst.slice(0, 1);
  return [...new Set(kept.map(({ key }) => layout.diff(key)))];
}
