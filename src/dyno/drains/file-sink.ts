/** A file of lines, renamed when it is full: `log`, `log.1`, `log.2` … */
import { open, rename, type FileHandle } from 'node:fs/promises';
import { fileForms } from './frames.js';
import type { Batch, Sink } from './sink.js';
import type { FileTarget } from './target.js';

export class FileSink implements Sink {
  readonly limits = { mostLines: 1000, gatherMs: 0 };
  readonly #target: FileTarget;
  readonly #token: string;
  #file: FileHandle | undefined;
  #size = 0;
  /** Of a batch that a full disk cut in two: what is written is not written again. */
  #begun: { readonly id: string; bytes: number } | undefined;

  constructor(target: FileTarget, token: string) {
    this.#target = target;
    this.#token = token;
  }

  async deliver({ id, lines }: Batch): Promise<void> {
    const form = fileForms[this.#target.form];
    const bytes = Buffer.from(lines.map((line) => form(line, this.#token)).join(''));
    if (this.#begun?.id !== id) this.#begun = { id, bytes: 0 };
    const file = this.#begun.bytes > 0 ? (this.#file ?? (await this.#open())) : await this.#fileFor(bytes.length);
    while (this.#begun.bytes < bytes.length) {
      const { bytesWritten } = await file.write(bytes, this.#begun.bytes);
      this.#begun.bytes += bytesWritten;
      this.#size += bytesWritten;
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
  }

  /** A batch stays in one file, so that lines are whole. */
  async #fileFor(bytes: number): Promise<FileHandle> {
    const file = this.#file ?? (await this.#open());
    if (this.#size === 0 || this.#size + bytes <= this.#target.mostBytes) return file;
    this.#file = undefined;
    await file.close();
    await this.#rotate();
    return this.#open();
  }

  async #rotate(): Promise<void> {
    const { path, keep } = this.#target;
    const nameOf = (age: number) => (age === 0 ? path : `${path}.${age}`);
    for (let age = keep - 1; age >= 0; age--) await rename(nameOf(age), nameOf(age + 1)).catch(ignoreMissing);
  }

  /** Logs may hold what is not for everybody. */
  async #open(): Promise<FileHandle> {
    const file = await open(this.#target.path, this.#target.keep === 0 && this.#size > 0 ? 'w' : 'a', 0o640);
    this.#size = (await file.stat()).size;
    this.#file = file;
    return file;
  }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
}
