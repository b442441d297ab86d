// Passes bytes on as they come, until a marker that no program knows: what follows it is the exit status.
export class MarkedStream {
  #marker;
  #pass;
  #held = Buffer.alloc(0);
  #found = false;

  constructor(marker, pass) {
    this.#marker = Buffer.from(marker);
    this.#pass = pass;
  }

  /** The status once its line is whole, until then undefined. */
  push(chunk) {
    this.#held = Buffer.concat([this.#held, chunk]);
    if (!this.#found) this.#release();
    if (!this.#found) return undefined;
    const end = this.#held.indexOf('\n');
    return end < 0 ? undefined : Number(this.#held.subarray(0, end).toString());
  }

  #release() {
    const at = this.#held.indexOf(this.#marker);
    this.#found = at >= 0;
    this.#passFirst(this.#found ? at : this.#held.length - this.#markerStart());
    if (this.#found) this.#held = this.#held.subarray(this.#marker.length);
  }

  /** How many of the last bytes may be the beginning of the marker. */
  #markerStart() {
    for (let length = Math.min(this.#marker.length - 1, this.#held.length); length > 0; length -= 1) {
      if (this.#held.subarray(-length).equals(this.#marker.subarray(0, length))) return length;
    }
    return 0;
  }

  #passFirst(length) {
    if (length > 0) this.#pass(this.#held.subarray(0, length));
    this.#held = this.#held.subarray(length);
  }
}
