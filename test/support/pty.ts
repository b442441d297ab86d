/** A command on a terminal of its own, as a person sits before it. Needs `command:python3`. */
import { spawn, type ChildProcess } from 'node:child_process';
import { Duplex } from 'node:stream';
import { join, resolve } from 'node:path';
import { patience } from './lab.js';

export interface PtyEnd {
  /** Negative: the signal that ended it. */
  readonly code: number;
  /** The terminal is as a shell wants it: lines, echo, signals. Null once it was hung up. */
  readonly cooked: boolean | null;
}

export interface PtyOptions {
  readonly rows?: number;
  readonly columns?: number;
  readonly env?: Readonly<Record<string, string>>;
}

const driver = join(resolve(import.meta.dirname, '../../..'), 'test/support/pty-driver.py');

export class Pty {
  readonly #child: ChildProcess;
  readonly #orders: Duplex;
  /** What is on the screen and was not yet waited for. */
  #screen = '';
  #wake: (() => void) | undefined;
  readonly ended: Promise<PtyEnd>;

  constructor(command: readonly string[], { rows = 24, columns = 80, env = {} }: PtyOptions = {}) {
    this.#child = spawn('python3', [driver, String(rows), String(columns), ...command], {
      stdio: ['pipe', 'pipe', 'inherit', 'pipe'],
      env: { ...process.env, TERM: 'xterm', ...env },
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#screen += text;
      this.#wake?.();
    });
    const orders = this.#child.stdio[3];
    if (!(orders instanceof Duplex)) throw new Error('no way to give orders');
    this.#orders = orders;
    this.ended = this.#readEnd();
    // Who does not wait for the end is not told that it never came.
    this.ended.catch(() => undefined);
  }

  get screen(): string {
    return this.#screen;
  }

  type(text: string): void {
    this.#child.stdin?.write(text);
  }

  resize(rows: number, columns: number): void {
    this.#orders.write(`size ${rows} ${columns}\n`);
  }

  /** To the command alone. */
  signal(number: number): void {
    this.#orders.write(`signal ${number}\n`);
  }

  /** The window is closed. */
  hangUp(): void {
    this.#orders.write('hangup\n');
  }

  /** Waits until this is on the screen; forgets it and all before. */
  async see(pattern: RegExp, limitMs = 20_000 * patience): Promise<string> {
    const until = Date.now() + limitMs;
    for (;;) {
      const found = pattern.exec(this.#screen);
      if (found !== null) {
        this.#screen = this.#screen.slice(found.index + found[0].length);
        return found[0];
      }
      const leftMs = until - Date.now();
      if (leftMs <= 0) throw new Error(`${String(pattern)} did not come; the screen shows ${JSON.stringify(this.#screen)}`);
      await this.#change(leftMs);
    }
  }

  /** Whatever it is doing; its command is hung up. */
  end(): void {
    this.#child.kill('SIGKILL');
  }

  #change(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #readEnd(): Promise<PtyEnd> {
    let text = '';
    for await (const chunk of this.#orders) text += String(chunk);
    const end: unknown = JSON.parse(text === '' ? 'null' : text);
    if (!isEnd(end)) throw new Error('the terminal was closed before the command ended');
    return end;
  }
}

function isEnd(value: unknown): value is PtyEnd {
  return typeof value === 'object' && value !== null && 'code' in value && typeof value.code === 'number' && 'cooked' in value;
}
