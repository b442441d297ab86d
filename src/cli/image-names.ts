/** Images as people name and read them. */
import type { ImageSummary } from '../index.js';

/** Docker's short form of a whole name: `alpine:3.20` for `docker.io/library/alpine:3.20`. */
export function familiarName(name: string): string {
  return name.replace(/^docker\.io\/(?:library\/(?=[^/]+$))?/, '');
}

export interface SplitName {
  /** Without the tag; `<none>` where there is no name. */
  readonly repository: string;
  readonly tag: string;
}

/** Where a part of a name is missing. */
export const none = '<none>';

/** Docker's two columns for a name. The colon of a port stands before a slash. */
export function splitName(name: string | undefined): SplitName {
  if (name === undefined) return { repository: none, tag: none };
  const [, repository = name, tag = none] = /^([^@]*?)(?::([^:/@]+))?(?:@.*)?$/.exec(familiarName(name)) ?? [];
  return { repository, tag };
}

/** The first twelve figures of a digest, as docker shows them. */
export function shortDigest(digest: string): string {
  return digest.replace(/^[^:]*:/, '').slice(0, 12);
}

/** With the time of its import as one can read it. */
export function imageJson<T extends ImageSummary>(image: T): T & { readonly importedAt: string } {
  return { ...image, importedAt: new Date(image.importedAtMs).toISOString() };
}
