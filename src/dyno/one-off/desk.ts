/** Between the program of an attached one-off dyno and its client: one client at a time, and while there is none the log. */
import type { Readable } from 'node:stream';
import type { Container } from '../../container/container.js';
import { deferred } from '../../spec/deferred.js';
import { TsrunError } from '../../spec/errors.js';
import type { Clock } from '../clock.js';
import type { Death } from '../death.js';
import type { Attendance } from '../dyno-settings.js';
import { LineFramer, type LineForm } from '../log/framing.js';
import { told, type PrintedLine } from '../log/output.js';
import { Attachment } from './attachment.js';
import { Hangup } from './hangup.js';

export interface DeskSettings {
  readonly clock: Clock;
  /** How soon a client must come. */
  readonly attachTimeoutMs: number;
  /** A client that neither says nor hears anything for so long is taken for gone; absent: it never is. */
  readonly idleTimeoutMs?: number;
  /** A line of the platform's. */
  readonly log: (message: string) => void;
  /** Lines of the program's, that no client was there for. */
  readonly print: (lines: readonly PrintedLine[]) => void;
  readonly lineForm?: LineForm | undefined;
}

/** 128 and the number of SIGTERM. */
const terminated = 143;

export class Desk implements Attendance {
  readonly #settings: DeskSettings;
  readonly #hangup: Hangup;
  readonly #arrived = deferred<Death | undefined>();
  readonly #opened = deferred<undefined>();
  #container: Container | undefined;
  #client: Attachment | undefined;
  readonly #sources: Readable[] = [];
  #cancelWait: () => void = () => undefined;
  #cancelIdle: () => void = () => undefined;
  #lastMs = 0;
  #hasEnded = false;

  constructor(settings: DeskSettings) {
    this.#settings = settings;
    this.#opened.promise.catch(() => undefined);
    this.#hangup = new Hangup(settings.clock, {
      log: settings.log,
      signal: () => {
        this.#container?.stop({ signal: 'SIGHUP', delivery: 'all', graceMs: -1 }).catch(() => undefined);
      },
    });
  }

  /** @throws ERR_TSRUN_STATE when somebody is there already, or the program has ended; why it did not start */
  async attach(): Promise<Attachment> {
    if (this.#hasEnded) throw new TsrunError('ERR_TSRUN_STATE', 'the one-off dyno has ended');
    if (this.#client !== undefined) throw new TsrunError('ERR_TSRUN_STATE', 'a client is attached already', { hint: 'let it detach first' });
    const client = this.#newClient();
    this.#client = client;
    this.#cancelWait();
    this.#hangup.end();
    this.#arrived.resolve(undefined);
    await this.#opened.promise;
    this.#stir();
    this.#resume();
    return client;
  }

  async awaitClient(): Promise<Death | undefined> {
    const { log, clock, attachTimeoutMs } = this.#settings;
    log('Awaiting client');
    this.#cancelWait = clock.after(attachTimeoutMs, () => {
      this.#arrived.resolve({ cause: 'attach-timeout', code: 125, oomKills: 0 });
    });
    return this.#arrived.promise;
  }

  /** It is not waited for any longer. */
  giveUp(): void {
    this.#cancelWait();
    this.#arrived.resolve({ cause: 'stop', code: terminated, oomKills: 0 });
  }

  async attend(container: Container): Promise<void> {
    this.#container = container;
    const named = { terminal: container.terminal?.output, stdout: container.stdout, stderr: container.stderr };
    const copied = (['terminal', 'stdout', 'stderr'] as const).map(async (name) => {
      const source = named[name];
      if (source === undefined || source === null) return;
      this.#sources.push(source);
      await this.#copy(source, name);
    });
    this.#opened.resolve(undefined);
    const resume = () => {
      this.#resume();
    };
    container.exited.then(resume, resume);
    await Promise.all(copied);
  }

  /** Of the dyno. */
  end({ error }: Death): void {
    this.#hasEnded = true;
    this.#hangup.end();
    this.#cancelWait();
    this.#client?.close();
    this.#opened.reject(error ?? new TsrunError('ERR_TSRUN_STATE', 'the one-off dyno has ended'));
  }

  async #copy(source: Readable, name: 'terminal' | 'stdout' | 'stderr'): Promise<void> {
    const { lineForm, clock } = this.#settings;
    const framer = new LineFramer(lineForm);
    const line = (message: string) => told(message, name, framer, lineForm);
    const end = () => {
      this.#settings.print(framer.end(`${clock.now()}`).map(line));
    };
    source.on('data', (piece: Buffer) => {
      this.#lastMs = this.#settings.clock.now();
      if (this.#client === undefined) {
        const lines: PrintedLine[] = [];
        for (const message of framer.lines(piece, `${this.#lastMs}`)) lines.push(line(message));
        this.#settings.print(lines);
        source.pause();
        setImmediate(() => source.resume());
        return;
      }
      end();
      // What an ended program said last is little, and its end does not wait for a client that reads no more.
      if (!this.#client.push(piece) && this.#container?.exitStatus === undefined) source.pause();
    });
    await new Promise<void>((resolve) => source.once('close', resolve));
    end();
  }

  #resume(): void {
    for (const source of this.#sources) source.resume();
  }

  #newClient(): Attachment {
    const client: Attachment = new Attachment({
      wanted: () => {
        this.#resume();
      },
      write: (piece, done) => {
        this.#lastMs = this.#settings.clock.now();
        const input = this.#container?.terminal?.input ?? this.#container?.stdin;
        // A program that has closed its input is no error of who types.
        if (input?.writable === true) input.write(piece, () => {
          done();
        });
        else done();
      },
      finish: () => {
        this.#container?.stdin?.end();
      },
      resize: (rows, columns) => {
        this.#container?.terminal?.resize(rows, columns);
      },
      hasTerminal: () => (this.#container?.terminal ?? null) !== null,
      left: (meant) => {
        if (this.#client !== client) return;
        this.#client = undefined;
        this.#cancelIdle();
        this.#resume();
        if (!meant && !this.#hasEnded) this.#hangup.begin();
      },
    });
    return client;
  }

  /** Looks again when the time since the last byte could be over, not at each byte. */
  #stir(): void {
    const { clock, idleTimeoutMs } = this.#settings;
    if (idleTimeoutMs === undefined) return;
    this.#lastMs = clock.now();
    const look = () => {
      const leftMs = this.#lastMs + idleTimeoutMs - clock.now();
      if (leftMs > 0) this.#cancelIdle = clock.after(leftMs, look);
      else this.#client?.destroy();
    };
    this.#cancelIdle = clock.after(idleTimeoutMs, look);
  }
}
