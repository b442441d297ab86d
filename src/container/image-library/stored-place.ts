/** What a reference means that is not run as it lies there. */
import type { ImagePlace } from '../../image/recognise.js';
import { shortName } from '../../image/reference.js';

export type StoredPlace = Exclude<ImagePlace, { readonly kind: 'folder' }>;
export type SourcePlace = Extract<ImagePlace, { readonly kind: 'source' }>;

/** For people: as it was written where the text is known. */
export function nameOf(place: Exclude<StoredPlace, SourcePlace>): string {
  return place.kind === 'name' ? place.text : shortName(place.reference);
}
