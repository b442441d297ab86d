/** Where dynos are written down: one has a place for its container, and another one while it has a container beside that. */
import type { SavedDyno } from './saved-dyno.js';

/** Behind the id of the container that a dyno has beside another one. */
export const twin = '-b';

export interface SavedPlace {
  readonly type: string;
  readonly number: number;
  /** Empty, or that of the twin. */
  readonly suffix: string;
  /** Undefined where nothing is known of it but that. */
  readonly saved: SavedDyno | undefined;
}

const form = new RegExp(`^(?<type>[\\w-]+)\\.(?<number>\\d+)(?<suffix>${twin})?$`);

/** Undefined for what is none: `web.1` and `web.1-b` are. */
export function placeOf(file: string, read: () => SavedDyno | undefined): SavedPlace | undefined {
  const { type = '', number, suffix = '' } = form.exec(file)?.groups ?? {};
  return number === undefined ? undefined : { type, number: Number(number), suffix, saved: read() };
}

/** One dyno, and those that were beside it. */
export interface Inheritor {
  readonly heir: SavedPlace;
  readonly rising?: SavedPlace;
  readonly leaving?: SavedPlace;
}

/** Who is what, also where an owner was killed in the middle of a replacement: where nobody holds the place, who was to take it does. */
export function inheritors(places: readonly SavedPlace[]): readonly Inheritor[] {
  const heirs = new Map<string, Inheritor>();
  for (const place of places.toSorted((a, b) => claim(a) - claim(b))) {
    const name = `${place.type}.${place.number}`;
    const known = heirs.get(name);
    if (known === undefined) heirs.set(name, { heir: place });
    else heirs.set(name, place.saved?.part === 'rising' ? { ...known, rising: place } : { ...known, leaving: place });
  }
  return [...heirs.values()];
}

/** The lowest has the place. */
function claim({ saved }: SavedPlace): number {
  if (saved === undefined) return 3;
  if (saved.part === undefined) return 0;
  return saved.part === 'rising' ? 1 : 2;
}
