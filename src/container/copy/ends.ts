/** The two ends of a copy, as the archiver takes them. */
import type { Place } from '../archiver/run.js';
import type { Destination, Source } from './copy-rules.js';

export interface Spot {
  readonly place: Place;
  readonly path: string;
}

export interface SourceEnd extends Source, Spot {
  readonly follow: boolean;
}

export interface DestinationEnd extends Destination {
  /** Where it is a folder that is there. */
  readonly into: Spot;
  /** Where it is not: the folder that it lies, or is to lie, in, and under which name. */
  readonly as: Spot & { readonly name: string };
}
