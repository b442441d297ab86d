/** What can be said of one place of a spec beyond the JSON schemas; `schemas/compile.mjs` reads it when tsrun is built. */

import type { Shape } from '../shape.js';

export interface Rule {
  /** In the place of what the schema gives. */
  readonly shape?: Shape<unknown>;
  /** Around what the schema gives. */
  readonly around?: (shape: Shape<never>) => Shape<unknown>;
  /** Where prose and schema differ about it. */
  readonly required?: boolean;
  /** What the names of an enum name, in messages: `a namespace type`. */
  readonly noun?: string;
  /** The names that are taken, from those of the schema. */
  readonly names?: (names: readonly string[]) => readonly string[];
  /** Of an array: entries. */
  readonly least?: number;
  readonly most?: number;
  /** Of a map: what its keys look like. */
  readonly key?: Shape<string>;
  /** Of other platforms: unknown here, so that it passes (config.md, "Platform-specific configuration" and "Extensibility"). */
  readonly elsewhere?: true;
}

/** By place: a JSON pointer into a spec, or from a definition of the schemas (`#Hook/path`); `*` is each entry of an array or a map. A place goes before a definition. */
export type Rules = Readonly<Record<string, Rule>>;
