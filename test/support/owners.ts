/** Starts and kills processes that own containers (`owner.ts`). */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Errand, Started } from './owner.js';

export class Owner {
  readonly process: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(errand: Errand) {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'owner.js'), JSON.stringify(errand)], { stdio: ['ignore', 'pipe', 'inherit'] });
    this.process = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  /** Resolves when its runtime is open. */
  async open(): Promise<void> {
    await this.#line();
  }

  /** The next container that runs. */
  async started(): Promise<Started> {
    const value: unknown = JSON.parse(await this.#line());
    if (typeof value !== 'object' || value === null || !('id' in value) || !('pid' in value)) throw new Error('the owner said something else');
    return { id: String(value.id), pid: Number(value.pid) };
  }

  /** SIGKILL; resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    const ended = once(this.process, 'exit');
    this.process.kill('SIGKILL');
    await ended;
  }

  async #line(): Promise<string> {
    const next = await this.#lines.next();
    if (next.done === true) throw new Error('the owner ended');
    return next.value;
  }
}
