/** The journal of systemd, in its own protocol: an entry a datagram, with fields to select by (systemd.io, "Native Journal Protocol"). */
import { DatagramSocket } from '../../engine/datagram-socket.js';
import type { Clock } from '../clock.js';
import { timestamp, type LogLine, type PartialLine } from '../log/line.js';
import type { Batch, Sink } from './sink.js';
import type { JournalTarget } from './target.js';

/** The kernel tells who waits in poll(2) that the journal's queue has room, and Node lets nobody wait there for a socket like this. */
const fullQueueMs = 10;

export class JournalSink implements Sink {
  readonly limits = { mostLines: 200, gatherMs: 0, tryMs: 60_000 };
  readonly #target: JournalTarget;
  readonly #app: string;
  readonly #clock: Clock;
  #socket: DatagramSocket | undefined;
  /** Of a batch that was cut in two: what was sent is not sent again. */
  #begun: { readonly id: string; lines: number } | undefined;

  constructor(target: JournalTarget, app: string, clock: Clock) {
    this.#target = target;
    this.#app = app;
    this.#clock = clock;
  }

  async deliver({ id, lines }: Batch, signal: AbortSignal): Promise<void> {
    if (this.#begun?.id !== id) this.#begun = { id, lines: 0 };
    this.#socket ??= new DatagramSocket(this.#target.path);
    try {
      for (let line = lines[this.#begun.lines]; line !== undefined; line = lines[this.#begun.lines]) {
        signal.throwIfAborted();
        if (this.#socket.send(journalEntry(line, this.#app))) this.#begun.lines++;
        else await new Promise<void>((resolve) => this.#clock.after(fullQueueMs, resolve));
      }
    } catch (error) {
      // The journal was started anew: its socket is another one.
      this.close();
      throw error;
    }
  }

  close(): void {
    this.#socket?.close();
    this.#socket = undefined;
  }
}

/** `journalctl -t web.1`, `TSRUN_APP=my-app`; parts of lines with the fields of docker's driver `journald`, which calls all but the last one a part. */
export function journalEntry({ timeMs, source, dyno, message, partial }: LogLine, app: string): Buffer {
  const text = Buffer.from(message);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  const head = `PRIORITY=6\nSYSLOG_FACILITY=${source === 'app' ? 23 : 16}\nSYSLOG_IDENTIFIER=${dyno}\nTSRUN_APP=${app}\nTSRUN_DYNO=${dyno}\nTSRUN_SOURCE=${source}\nTSRUN_TIME=${timestamp(timeMs)}\n${partial === undefined ? '' : partialFields(partial)}MESSAGE\n`;
  return Buffer.concat([Buffer.from(head), size, text, Buffer.from('\n')]);
}

function partialFields({ id, ordinal, last }: PartialLine): string {
  return `CONTAINER_PARTIAL_ID=${id}\nCONTAINER_PARTIAL_ORDINAL=${ordinal}\nCONTAINER_PARTIAL_LAST=${last}\n${last ? '' : 'CONTAINER_PARTIAL_MESSAGE=true\n'}`;
}
