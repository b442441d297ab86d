/** What of Node's globals shared code uses: `process`, `Buffer`, `TextDecoder`, `TextEncoder`. */
import { host } from './host.js';

class HostTextDecoder {
  decode(bytes: Uint8Array): string {
    const text = host.decode(bytes);
    if (text === undefined) throw new TypeError('The encoded data was not valid for encoding utf-8');
    return text;
  }
}

class HostTextEncoder {
  encode(text: string): Uint8Array {
    return host.encode(text);
  }
}

/** As much of Node's as the codec of plans and events needs. */
class HostBuffer extends Uint8Array {
  get #view(): DataView {
    return new DataView(this.buffer, this.byteOffset, this.byteLength);
  }

  readUInt32LE(at: number): number {
    return this.#view.getUint32(at, true);
  }

  readInt32LE(at: number): number {
    return this.#view.getInt32(at, true);
  }

  readBigUInt64LE(at: number): bigint {
    return this.#view.getBigUint64(at, true);
  }

  /** @returns how many bytes it took */
  write(text: string, at: number): number {
    return host.encodeInto(text, this, at);
  }

  override toString(_encoding?: string, start = 0, end = this.length): string {
    return host.decode(this.subarray(start, end)) ?? '';
  }
}

function copyOf(bytes: ArrayLike<number>): HostBuffer {
  const copy = new HostBuffer(bytes.length);
  copy.set(bytes);
  return copy;
}

const bufferFunctions = {
  alloc: (size: number) => new HostBuffer(size),
  allocUnsafe: (size: number) => new HostBuffer(size),
  from: (data: string | ArrayLike<number>) => copyOf(typeof data === 'string' ? host.encode(data) : data),
  byteLength: (text: string) => host.encode(text).length,
  concat: (parts: readonly Uint8Array[]) => {
    const whole = new HostBuffer(parts.reduce((size, part) => size + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  },
};

const hostProcess = {
  arch: host.arch,
  get pid() {
    return host.ids().pid;
  },
  get env() {
    return host.environment();
  },
  geteuid: () => host.ids().uid,
  getegid: () => host.ids().gid,
  cwd: () => host.workingFolder(),
};

Object.assign(globalThis, { Buffer: bufferFunctions, TextDecoder: HostTextDecoder, TextEncoder: HostTextEncoder, process: hostProcess });
