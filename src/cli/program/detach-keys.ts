/** What is typed on a raw terminal, without `ctrl-p ctrl-q`, which is for tsrun. */
import { Transform, type TransformCallback } from 'node:stream';

const ctrlP = 0x10;
const ctrlQ = 0x11;
/** A ctrl-p that nothing follows is the program's: to a shell it is the previous line. */
const holdMs = 500;

export class DetachKeys extends Transform {
  readonly #onDetach: () => void;
  #held: NodeJS.Timeout | undefined;

  constructor(onDetach: () => void) {
    super();
    this.#onDetach = onDetach;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    const passed: number[] = [];
    for (const byte of chunk) {
      const held = this.#letGo();
      if (held && byte === ctrlQ) {
        this.#onDetach();
        break;
      }
      if (held) passed.push(ctrlP);
      if (byte === ctrlP) this.#hold();
      else passed.push(byte);
    }
    if (passed.length > 0) this.push(Buffer.from(passed));
    done();
  }

  override _flush(done: TransformCallback): void {
    if (this.#letGo()) this.push(Buffer.from([ctrlP]));
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#letGo();
    done(error);
  }

  #hold(): void {
    this.#held = setTimeout(() => {
      this.#held = undefined;
      this.push(Buffer.from([ctrlP]));
    }, holdMs);
  }

  /** Whether a ctrl-p was held back. */
  #letGo(): boolean {
    const held = this.#held !== undefined;
    clearTimeout(this.#held);
    this.#held = undefined;
    return held;
  }
}
