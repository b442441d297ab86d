/** Blobs as streams that go on where a connection was lost (distribution-spec, "Resumable Pull"; RFC 9110 14). */
import { Readable } from 'node:stream';
import { printable } from '../../spec/quote.js';
import { TsrunError } from '../../spec/errors.js';
import { digestOf } from '../documents/digest.js';
import type { Descriptor } from '../documents.js';
import type { RejectedGiver } from '../offer.js';
import { wrongAnswer } from './answers.js';
import type { Endpoint, PlacedAnswer } from './endpoint.js';
import { abortedError, isPassing, isRefused } from './failures.js';
import { firstOf } from './first-of.js';
import { backOffMs } from './retry.js';
import type { RegistryHost } from './registry-host.js';
import { headerOf } from './transport.js';

/** Without a byte between them. */
const mostCuts = 5;

/** A piece of a blob from one server. */
interface Piece {
  readonly answer: PlacedAnswer;
  readonly endpoint: Endpoint;
  /** Bytes of the answer that come before those that were asked for. */
  readonly skip: number;
}

export class BlobReader {
  readonly #endpoints: readonly Endpoint[];
  readonly #host: RegistryHost;
  /** By digest: who gave bytes of it last, and who gave wrong ones. */
  readonly #givers = new Map<string, Endpoint>();
  readonly #rejected = new Map<string, Set<Endpoint>>();

  /** @param endpoints in the order in which they are asked */
  constructor(endpoints: readonly Endpoint[], host: RegistryHost) {
    [this.#endpoints, this.#host] = [endpoints, host];
  }

  /**
   * Resolves once a server has agreed to give it. The digest is for the reader to check: only who has all bytes can.
   *
   * @throws ERR_TSRUN_REGISTRY, also by the stream; ERR_TSRUN_ABORTED
   */
  async open(descriptor: Descriptor, offset: number, signal: AbortSignal | undefined): Promise<Readable> {
    const stop = new AbortController();
    const either = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]);
    const first = await this.#told(descriptor, signal, () => (offset < descriptor.size ? this.#piece(descriptor, offset, either) : Promise.resolve(undefined)));
    const chunks = this.#chunks(descriptor, offset, first, either);
    return new Readable({
      read() {
        chunks.next().then(({ done, value }) => this.push(done === true ? null : value), (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))));
      },
      destroy(error, done) {
        stop.abort();
        done(error !== null && signal?.aborted === true ? aborted(descriptor, signal) : error);
      },
    });
  }

  /** A small one, whole and checked. */
  async read(descriptor: Descriptor, signal: AbortSignal | undefined): Promise<Buffer> {
    for (;;) {
      const parts: Buffer[] = [];
      for await (const chunk of (await this.open(descriptor, 0, signal)) as AsyncIterable<Buffer>) parts.push(chunk);
      const bytes = Buffer.concat(parts);
      if (digestOf(bytes) === descriptor.digest) return bytes;
      const { giver, isOtherLeft } = this.reject(descriptor);
      if (isOtherLeft) continue;
      throw new TsrunError('ERR_TSRUN_REGISTRY', `the blob ${descriptor.digest} of ${giver} has another digest: ${digestOf(bytes)}`, {
        hint: 'it was damaged or changed, in the registry or on the way',
      });
    }
  }

  /** Who gave it last has given what it is not, and is not asked for it again. */
  reject({ digest }: Descriptor): RejectedGiver {
    const giver = this.#givers.get(digest);
    const rejected = this.#rejected.get(digest) ?? new Set();
    this.#rejected.set(digest, rejected);
    if (giver !== undefined) rejected.add(giver);
    return { giver: `'${printable(giver?.place.name ?? '', 256)}'`, isOtherLeft: giver !== undefined && this.#endpointsFor(digest).length > 0 };
  }

  #endpointsFor(digest: string): readonly Endpoint[] {
    const rejected = this.#rejected.get(digest);
    return this.#endpoints.filter((endpoint) => rejected?.has(endpoint) !== true);
  }

  async *#chunks(descriptor: Descriptor, offset: number, first: Piece | undefined, signal: AbortSignal): AsyncGenerator<Buffer, undefined> {
    let at = offset;
    let cuts = 0;
    for (let piece = first; at < descriptor.size; piece = undefined) {
      const { answer, endpoint, skip } = piece ?? (await this.#nextPiece(descriptor, at, signal));
      let passed = at - skip;
      try {
        for await (const chunk of answer.body as AsyncIterable<Buffer>) {
          const fresh = chunk.subarray(Math.min(chunk.length, at - passed));
          passed += chunk.length;
          if (passed > descriptor.size) throw wrongAnswer(answer.url, `the blob is larger than the ${descriptor.size} bytes that the manifest says`);
          if (fresh.length === 0) continue;
          [at, cuts] = [passed, 0];
          yield fresh;
        }
        if (at < descriptor.size && ++cuts === mostCuts) throw wrongAnswer(answer.url, `the blob ends after ${at} of the ${descriptor.size} bytes that the manifest says`);
      } catch (cause) {
        if (signal.aborted || !isPassing(cause) || ++cuts === mostCuts) throw endpoint.failure(answer.url, cause);
      }
      if (at < descriptor.size) await this.#host.sleep(backOffMs(Math.max(cuts, 1), this.#host), signal);
    }
  }

  /** A registry that took the connection before may be starting anew. */
  async #nextPiece(descriptor: Descriptor, at: number, signal: AbortSignal): Promise<Piece> {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#piece(descriptor, at, signal);
      } catch (error) {
        if (tries === mostCuts || !isRefused(error)) throw error;
        await this.#host.sleep(backOffMs(tries, this.#host), signal);
      }
    }
  }

  #piece(descriptor: Descriptor, at: number, signal: AbortSignal): Promise<Piece> {
    return firstOf(this.#endpointsFor(descriptor.digest), `the blob ${descriptor.digest}`, signal, async (endpoint) => {
      // Packed on the way, it would be counted and continued wrongly.
      const range: Record<string, string> = at > 0 ? { range: `bytes=${at}-` } : {};
      const answer = await endpoint.get(`blobs/${descriptor.digest}`, { 'accept-encoding': 'identity', ...range }, signal);
      try {
        const skip = await skipOf(answer, at, descriptor, endpoint);
        this.#givers.set(descriptor.digest, endpoint);
        return { answer, endpoint, skip };
      } catch (error) {
        answer.body.destroy();
        throw error;
      }
    });
  }

  async #told<Result>(descriptor: Descriptor, signal: AbortSignal | undefined, action: () => Promise<Result>): Promise<Result> {
    try {
      return await action();
    } catch (error) {
      throw signal?.aborted === true ? aborted(descriptor, signal) : error;
    }
  }
}

function aborted({ digest }: Descriptor, signal: AbortSignal): TsrunError {
  return abortedError(`the download of ${digest}`, signal.reason);
}

/** How much of an answer comes before what was asked for. What it says of itself must fit what was asked. */
async function skipOf(answer: PlacedAnswer, at: number, { digest, size }: Descriptor, endpoint: Endpoint): Promise<number> {
  if (answer.status === 200) {
    const length = headerOf(answer, 'content-length');
    if (length !== undefined && Number(length) !== size) throw wrongAnswer(answer.url, `the blob has ${printable(length)} bytes, the manifest says ${size}`);
    return at;
  }
  if (answer.status === 206 && at > 0) {
    const range = headerOf(answer, 'content-range') ?? '';
    const [, start, end, total] = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/.exec(range) ?? [];
    if (Number(start) === at && Number(end) < size && (total === '*' || Number(total) === size)) return 0;
    throw wrongAnswer(answer.url, `bytes from ${at} on of ${size} were asked for, the answer is '${printable(range)}'`);
  }
  if (answer.status < 400) throw wrongAnswer(answer.url, `status ${answer.status} is no answer to a question for a blob`);
  throw await endpoint.refusal(answer, `the registry has a manifest that names ${digest}, but not that itself: it was pushed incompletely, or removed`);
}
