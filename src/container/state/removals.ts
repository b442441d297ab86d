/** Files of containers that were removed: they go behind, and are gone when the runtime is closed. */
export class Removals {
  readonly #pending = new Set<Promise<void>>();

  /** What is left of it when this process is killed, `gc` removes. */
  add(removal: Promise<unknown>): void {
    const done = removal.then(() => undefined, () => undefined).finally(() => this.#pending.delete(done));
    this.#pending.add(done);
  }

  async end(): Promise<void> {
    await Promise.all(this.#pending);
  }
}
