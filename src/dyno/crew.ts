/** The dynos of a formation: which there are, how they come, are taken over, and go. */
import { TsrunError } from '../spec/errors.js';
import { show } from '../spec/quote.js';
import type { Blueprint } from './blueprint.js';
import type { DynoSettings } from './dyno-settings.js';
import { Dyno } from './dyno.js';
import type { Program } from './program.js';
import type { SavedDyno } from './survival/saved-dyno.js';
import type { Survival } from './survival/survival.js';

export interface CrewSettings {
  readonly blueprint: Blueprint;
  readonly survival: Survival | undefined;
  /** Of each dyno. */
  readonly listeners: Pick<DynoSettings, 'onLog' | 'pace' | 'onEvent'>;
}

export class Crew {
  readonly #settings: CrewSettings;
  readonly #dynos = new Map<string, Dyno>();

  constructor(settings: CrewSettings) {
    this.#settings = settings;
  }

  /** By type and number. */
  get all(): readonly Dyno[] {
    return [...this.#dynos.values()].sort((a, b) => (a.type === b.type ? a.number - b.number : a.type < b.type ? -1 : 1));
  }

  named(name: string): Dyno | undefined {
    return this.#dynos.get(name);
  }

  /** @param which a dyno, a process type, or all @throws ERR_TSRUN_NOT_FOUND */
  chosen(which: string | undefined): readonly Dyno[] {
    const chosen = this.all.filter(({ name, type }) => which === undefined || which === name || which === type);
    if (chosen.length > 0 || which === undefined) return chosen;
    throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no dyno ${show(which)}`, { hint: `there are ${this.all.map(({ name }) => name).join(', ')}` });
  }

  /** New ones get the lowest numbers that are free, and those with the highest go. Resolves when they are gone. */
  async count(type: string, count: number, program: Program): Promise<void> {
    const gone = this.all.filter((dyno) => dyno.type === type && dyno.number > count).map(async (dyno) => this.#remove(dyno));
    for (let number = 1; number <= count; number++) if (!this.#dynos.has(`${type}.${number}`)) this.#add(type, number, program).start();
    await Promise.all(gone);
  }

  /** Goes on with those that another process has left. */
  async adopt(saved: readonly (readonly [string, SavedDyno | undefined])[], programOf: (type: string) => Program): Promise<void> {
    await Promise.all(saved.map(async ([name, known]) => {
      const [type = '', number = ''] = name.split('.');
      await this.#add(type, Number(number), programOf(type)).adopt(known);
    }));
  }

  #add(type: string, number: number, program: Program): Dyno {
    const { blueprint, listeners } = this.#settings;
    const dyno = new Dyno({ ...blueprint.dyno(type, number, program), ...listeners });
    this.#dynos.set(dyno.name, dyno);
    return dyno;
  }

  async #remove(dyno: Dyno): Promise<void> {
    await dyno.stop();
    this.#dynos.delete(dyno.name);
    this.#settings.survival?.keeper(dyno.name, '').end();
  }
}
