/** Whatever the embedder does with lines. */
import type { LogLine } from '../log/line.js';
import type { Batch, Sink } from './sink.js';

/** Takes lines, in order, one batch after the other; what it rejects is brought again. */
export type LogSink = (lines: readonly LogLine[]) => Promise<void>;

export class FunctionSink implements Sink {
  readonly limits = { mostLines: 1000, gatherMs: 0 };
  readonly #sink: LogSink;

  constructor(sink: LogSink) {
    this.#sink = sink;
  }

  async deliver({ lines }: Batch): Promise<void> {
    await this.#sink(lines);
  }

  close(): void {
    // It is the embedder's.
  }
}
