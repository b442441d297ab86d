/** The client's end of an attached one-off dyno. */
import { Duplex } from 'node:stream';

/** What an attachment can do to the desk that gave it. */
export interface AttachmentActions {
  /** The client takes more. */
  readonly wanted: () => void;
  readonly write: (piece: Buffer, done: (error?: Error | null) => void) => void;
  /** Nothing more is typed. */
  readonly finish: () => void;
  readonly resize: (rows: number, columns: number) => void;
  readonly hasTerminal: () => boolean;
  /** The client has gone; `meant`: by `detach`, or because the program has ended. */
  readonly left: (meant: boolean) => void;
}

/**
 * A client of an attached one-off dyno: what it prints is read from it, and what is written to it is typed there. To `end` it is the end of
 * what is typed; to `destroy` it, or to lose what it is piped to, is a client that is gone: all processes get SIGHUP, three times.
 *
 * @example
 * import { text } from 'node:stream/consumers';
 * import { Formation, Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * await using formation = await Formation.start(runtime, './rootfs', { quantities: {} });
 * const oneOff = await formation.run('read name; echo "hello $name"; exit 3', { attach: true });
 * const client = await oneOff.attach();
 * client.end('world\n');
 * console.log(await text(client)); // hello world
 * console.log((await oneOff.exited).code); // 3
 */
export class Attachment extends Duplex {
  readonly #actions: AttachmentActions;
  #meant = false;

  /** @internal A one-off dyno gives its own. */
  constructor(actions: AttachmentActions) {
    // Who has typed all of it still reads.
    super({ allowHalfOpen: true, emitClose: true });
    this.#actions = actions;
  }

  /** Its program has a terminal. */
  get hasTerminal(): boolean {
    return this.#actions.hasTerminal();
  }

  /** Sets the size of its terminal in characters; nothing where it has none. */
  resize(rows: number, columns: number): void {
    this.#actions.resize(rows, columns);
  }

  /** Leaves it running: from now on the log has what it prints, until somebody attaches again. */
  detach(): void {
    this.close();
  }

  /** @internal There is nothing more to read. What is still typed goes nowhere: to refuse it would be an error of who pipes. */
  close(): void {
    this.#meant = true;
    this.#actions.left(true);
    this.push(null);
  }

  /** @internal */
  override _read(): void {
    this.#actions.wanted();
  }

  /** @internal */
  override _write(piece: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#meant) done();
    else this.#actions.write(piece, done);
  }

  /** @internal */
  override _final(done: (error?: Error | null) => void): void {
    if (!this.#meant) this.#actions.finish();
    done();
  }

  /** @internal */
  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#meant) {
      this.#meant = true;
      this.#actions.left(false);
    }
    done(error);
  }
}
