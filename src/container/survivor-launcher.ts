/** The launcher of containers that survive their owner: joined for the first of them, and replaced when it was killed. */
import { answered, type NamedLauncher } from './connection.js';

export class SurvivorLauncher {
  readonly #join: () => Promise<NamedLauncher>;
  /** What a launcher that was killed has left would keep names and ids taken. */
  readonly #collect: () => Promise<unknown>;
  #joined: Promise<NamedLauncher> | undefined;

  constructor(join: () => Promise<NamedLauncher>, collect: () => Promise<unknown>) {
    this.#join = join;
    this.#collect = collect;
  }

  async get(): Promise<NamedLauncher> {
    const before = this.#joined;
    const known = await before?.catch(() => undefined);
    if (known !== undefined && (await isUsable(known))) return known;
    // Whoever of many starts comes here first looks for a new one.
    if (this.#joined === undefined || this.#joined === before) this.#joined = this.#replace(known);
    return this.#joined;
  }

  async close(): Promise<void> {
    (await this.#joined?.catch(() => undefined))?.launcher.close();
  }

  async #replace(lost: NamedLauncher | undefined): Promise<NamedLauncher> {
    lost?.launcher.abandon();
    if (lost !== undefined) await this.#collect();
    return this.#join();
  }
}

async function isUsable({ launcher, name }: NamedLauncher): Promise<boolean> {
  try {
    return await answered(launcher.isAlive(), `the launcher ${name}`);
  } catch {
    return false;
  }
}
