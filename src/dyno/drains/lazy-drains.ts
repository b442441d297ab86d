/** The drains of a formation, whose code is loaded with the first of them. */
import type { Drain } from './drain.js';
import type { DrainChoice } from './drain-options.js';
import type { Drains, DrainsSettings } from './drains.js';

export class LazyDrains {
  readonly #settings: DrainsSettings;
  #drains: Promise<Drains> | undefined;
  #list: readonly Drain[] = [];

  constructor(settings: DrainsSettings) {
    this.#settings = settings;
  }

  get list(): readonly Drain[] {
    return this.#list;
  }

  async add(choice: DrainChoice): Promise<Drain> {
    this.#drains ??= this.#load();
    const drains = await this.#drains;
    const added = await drains.add(choice);
    this.#list = drains.list;
    return added;
  }

  /** Whether it was there. Resolves when what it held is delivered, or the time for that is over. */
  async remove(drain: Drain): Promise<boolean> {
    const drains = await this.#drains;
    const removed = drains?.remove(drain);
    this.#list = drains?.list ?? [];
    return (await removed) === true;
  }

  async close(): Promise<void> {
    await (await this.#drains)?.close();
    this.#list = [];
  }

  async #load(): Promise<Drains> {
    const { Drains } = await import('./drains.js');
    return new Drains(this.#settings);
  }
}
