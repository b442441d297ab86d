/** What a container's terminal shows, for a test that types and waits for an answer. */
import type { Container, ExecProcess } from '../../src/index.js';
import { patience } from './lab.js';

export class Screen {
  readonly #running: Container | ExecProcess;
  /** What was printed and not yet waited for. */
  #text = '';
  #wake: (() => void) | undefined;

  constructor(running: Container | ExecProcess) {
    this.#running = running;
    running.terminal?.output.on('data', (chunk: Buffer) => {
      this.#text += chunk.toString();
      this.#wake?.();
    });
  }

  type(keys: string): void {
    this.#running.terminal?.input.write(keys);
  }

  /** Waits until this is shown; forgets it and all before. */
  async sees(pattern: RegExp, limitMs = 20_000 * patience): Promise<string> {
    const limit = Date.now() + limitMs;
    for (;;) {
      const found = pattern.exec(this.#text);
      if (found !== null) {
        this.#text = this.#text.slice(found.index + found[0].length);
        return found[0];
      }
      const leftMs = limit - Date.now();
      if (leftMs <= 0) throw new Error(`the terminal does not show ${String(pattern)}, but: ${JSON.stringify(this.#text)}`);
      await this.#change(leftMs);
    }
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
}
