/** Descriptors of pipes and terminals as Node streams. A stream that nobody asks for costs nothing but its descriptor. */
import { readSync } from 'node:fs';
import { Socket } from 'node:net';
import { ReadStream } from 'node:tty';
import { PassThrough, type Readable, type Writable } from 'node:stream';
import { loadNative } from '../engine/addon.js';
import { validateWindow } from './options/validate-calls.js';

function closeDescriptor(fd: number): void {
  loadNative().addon.closeDescriptor(fd);
}

/** Closes what nobody used and nobody can use any more. */
const abandoned = new FinalizationRegistry<{ fd: number | undefined }>((held) => {
  if (held.fd !== undefined) closeDescriptor(held.fd);
});

/** One descriptor that becomes a stream when it is first used. */
export class LazyStream {
  readonly #held: { fd: number | undefined };
  #stream: Socket | undefined;
  readonly #direction: 'read' | 'write';
  readonly #onClose: (() => void) | undefined;

  /** `onClose`: when the stream, if anybody used it, is closed. */
  constructor(fd: number | undefined, direction: 'read' | 'write', onClose?: () => void) {
    this.#held = { fd };
    this.#direction = direction;
    this.#onClose = onClose;
    if (fd !== undefined) abandoned.register(this, this.#held);
  }

  get(): Socket | undefined {
    const fd = this.take();
    if (fd !== undefined) {
      this.#stream = new Socket({ fd, readable: this.#direction === 'read', writable: this.#direction === 'write' });
      // A reader or writer that went away is no error of the container's.
      this.#stream.on('error', () => undefined);
      if (this.#onClose !== undefined) this.#stream.once('close', this.#onClose);
    }
    return this.#stream;
  }

  /** The descriptor itself; it is the caller's to close from now on. */
  take(): number | undefined {
    const { fd } = this.#held;
    this.#held.fd = undefined;
    return fd;
  }

  /** Closes what was never used; a stream that somebody reads ends by itself. */
  dispose(): void {
    const fd = this.take();
    if (fd !== undefined) closeDescriptor(fd);
    if (this.#direction === 'write') this.#stream?.destroy();
  }
}

/**
 * The terminal of a container: what it prints, what is typed, and its size.
 *
 * @example
 * import { text } from 'node:stream/consumers';
 * import { Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * const { terminal } = await runtime.run('./rootfs', { command: ['sh', '-c', 'read line; stty size'], terminal: { rows: 24, columns: 80 } });
 * terminal?.resize(50, 132);
 * terminal?.input.write('go on\n');
 * if (terminal) console.log(await text(terminal.output)); // 50 132
 */
export class Terminal {
  readonly #stream: ReadStream;
  readonly #fd: number;
  /** The launcher keeps the output and passes it on. */
  readonly #kept: boolean;
  readonly #resize: (fd: number, rows: number, columns: number) => void;

  /** @internal `output`: what the launcher passes on when it keeps the output; else the master itself is read. */
  constructor(master: number, output: number | undefined, resize: (fd: number, rows: number, columns: number) => void) {
    this.#fd = master;
    this.#resize = resize;
    this.#stream = new ReadStream(master);
    this.#stream.on('error', () => undefined);
    this.#kept = output !== undefined;
    this.output = output === undefined ? untilHungUp(this.#stream, master) : new Socket({ fd: output, readable: true, writable: false });
    if (this.#kept) this.#stream.pause();
    this.input = this.#stream;
  }

  /** What the program prints. Ends when the last program that has the terminal open has ended. */
  readonly output: Readable;
  /** What is typed. The terminal's line discipline is the container's own: `\x03` is ctrl-c. */
  readonly input: Writable;

  /**
   * Sets its size in characters, 1 to 65535 each; the foreground process is told by SIGWINCH (ioctl_tty(2), TIOCSWINSZ).
   *
   * @throws TsrunError `ERR_TSRUN_INVALID_ARGUMENT`
   */
  resize(rows: number, columns: number): void {
    validateWindow(rows, columns);
    if (!this.#stream.destroyed) this.#resize(this.#fd, rows, columns);
  }

  /** @internal */
  dispose(): void {
    if (this.#kept) this.#stream.destroy();
  }
}

/**
 * The master says EIO when the last program has closed the terminal: to who reads, that is the end and no error. libuv takes a
 * hang-up beside a short read for the end, when what was printed last may still be on its way through the kernel: it is read here.
 */
function untilHungUp(master: ReadStream, fd: number): Readable {
  const output = new PassThrough();
  master.once('end', () => {
    for (let piece = readPiece(fd); piece !== undefined; piece = readPiece(fd)) output.write(piece);
    output.end();
  });
  master.once('error', () => output.end());
  output.once('close', () => master.destroy());
  return master.pipe(output, { end: false });
}

/** read(2) of a terminal waits for what is on its way, and only then says EIO. */
function readPiece(fd: number): Buffer | undefined {
  const piece = Buffer.alloc(4096);
  try {
    const size = readSync(fd, piece);
    return size === 0 ? undefined : piece.subarray(0, size);
  } catch {
    return undefined;
  }
}
