/**
 * How well the layers of an image use their bytes, by dive's reckoning, so that thresholds that were found with it hold here. Each path
 * has versions, one for each layer that names it. What it needs is the smallest of them, what it takes is all of them; efficiency is the
 * one sum by the other, and all that a path with several versions takes is wasted. A whiteout is a version without bytes where it
 * takes away a file, and one of all that was there where it takes away a folder.
 */
import type { WastedPath } from './image-types.js';

interface Versions {
  bytes: number;
  smallest: number;
  times: number;
}

export class Efficiency {
  readonly #paths = new Map<string, Versions>();

  /** A file, a link, a whiteout; folders are no versions of anything. */
  see(path: string, bytes: number): void {
    const known = this.#paths.get(path);
    if (known === undefined) {
      this.#paths.set(path, { bytes, smallest: bytes, times: 1 });
      return;
    }
    known.bytes += bytes;
    known.smallest = Math.min(known.smallest, bytes);
    known.times++;
  }

  /** 0 to 1. */
  get ratio(): number {
    let [needed, taken] = [0, 0];
    for (const { bytes, smallest } of this.#paths.values()) {
      needed += smallest;
      taken += bytes;
    }
    return taken === 0 ? 1 : needed / taken;
  }

  /** The largest first. */
  wasted(): WastedPath[] {
    const found = [...this.#paths].filter(([, { times }]) => times > 1).map(([path, { bytes, times }]): WastedPath => ({ path, bytes, times }));
    return found.sort((a, b) => b.bytes - a.bytes || (a.path < b.path ? -1 : 1));
  }
}
