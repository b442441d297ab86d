/** The dynos of a formation: which there are, how they come, are taken over, are replaced, and go. */
import { TsrunError } from '../spec/errors.js';
import { show } from '../spec/quote.js';
import type { Blueprint } from './blueprint.js';
import type { DynoSettings } from './dyno-settings.js';
import { Dyno } from './dyno.js';
import type { Program } from './program.js';
import type { LazyRouter } from './serving/lazy-router.js';
import type { RestartOptions } from './serving/options.js';
import type { FormerDyno } from './survival/saved-dyno.js';
import type { Survival } from './survival/survival.js';

export interface CrewSettings {
  readonly blueprint: Blueprint;
  readonly survival: Survival | undefined;
  readonly router: LazyRouter;
  /** Of each dyno. */
  readonly listeners: Pick<DynoSettings, 'onLog' | 'pace' | 'onEvent'>;
}

export class Crew {
  readonly #settings: CrewSettings;
  readonly #dynos = new Map<string, Dyno>();
  /** Those that are to replace others when they are up. */
  readonly #rising = new Set<Dyno>();
  #turns: Promise<void> = Promise.resolve();

  constructor(settings: CrewSettings) {
    this.#settings = settings;
  }

  /** By type and number. */
  get all(): readonly Dyno[] {
    return [...this.#dynos.values()].sort((a, b) => (a.type === b.type ? a.number - b.number : a.type < b.type ? -1 : 1));
  }

  /** Also those that are to replace others. */
  get everybody(): readonly Dyno[] {
    return [...this.#dynos.values(), ...this.#rising];
  }

  named(name: string): Dyno | undefined {
    return this.#dynos.get(name);
  }

  ofType(type: string): readonly Dyno[] {
    return [...this.#dynos.values()].filter((dyno) => dyno.type === type);
  }

  /** One after the other: what is going must be gone before it can come back. */
  async inTurn(work: () => Promise<void>): Promise<void> {
    const before = this.#turns;
    this.#turns = (async () => {
      await before.catch(() => undefined);
      await work();
    })();
    return this.#turns;
  }

  /** New ones get the lowest numbers that are free, and those with the highest go. Resolves when they are gone. */
  async count(type: string, count: number, program: Program): Promise<void> {
    const gone = this.ofType(type).filter(({ number }) => number > count).map(async (dyno) => this.#remove(dyno));
    for (let number = 1; number <= count; number++) {
      if (!this.#dynos.has(`${type}.${number}`)) this.#add(type, number, program).start();
    }
    await Promise.all(gone);
  }

  /** Goes on with those that another process has left. */
  async adopt(dynos: readonly FormerDyno[], programOf: (type: string) => Program): Promise<void> {
    await Promise.all(dynos.map(async ({ type, number, saved }) => this.#add(type, number, programOf(type)).adopt(saved)));
  }

  /** @param which a dyno, a process type, or all @throws ERR_TSRUN_NOT_FOUND; ERR_TSRUN_STATE where a new one did not come up */
  async restart(which: string | undefined, options: RestartOptions): Promise<void> {
    const chosen = this.all.filter(({ name, type }) => which === undefined || which === name || which === type);
    if (chosen.length === 0 && which !== undefined) throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no dyno ${show(which)}`, { hint: `there are ${this.all.map(({ name }) => name).join(', ')}` });
    if (options.rolling === true) await this.inTurn(async () => this.#roll(chosen, options));
    else await Promise.all(chosen.map(async (dyno) => (this.#isPrebooted(dyno, options) ? this.inTurn(async () => this.#replace(dyno)) : dyno.restart())));
  }

  #isPrebooted({ type }: Dyno, { preboot = this.#settings.blueprint.serving(type).preboot }: RestartOptions): boolean {
    return preboot;
  }

  async #roll(chosen: readonly Dyno[], options: RestartOptions): Promise<void> {
    for (const dyno of chosen) {
      if (this.#isPrebooted(dyno, options)) await this.#replace(dyno);
      else {
        await this.#drain(dyno);
        await dyno.restart();
        if (!(await dyno.settled())) throw notUp(dyno);
      }
    }
  }

  /** The old one goes when the new one is up. */
  async #replace(old: Dyno): Promise<void> {
    const { blueprint, survival, router } = this.#settings;
    const { name, type, number } = old;
    if (this.#dynos.get(name) !== old) return;
    if (survival !== undefined) throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `${name} outlives its process and cannot be there twice`, { hint: 'restart it without preboot' });
    // Both are there at once.
    const dyno = this.#make(type, number, blueprint.programOf(type), old.id.endsWith(twin) ? '' : twin);
    this.#rising.add(dyno);
    dyno.start();
    const failure = (await dyno.settled()) ? undefined : notUp(dyno);
    if (failure === undefined) this.#dynos.set(name, dyno);
    this.#rising.delete(dyno);
    router.changed(type);
    if (failure === undefined) {
      await this.#drain(old);
      await old.stop();
    } else {
      await dyno.stop();
      throw failure;
    }
  }

  #make(type: string, number: number, program: Program, suffix = ''): Dyno {
    const { blueprint, listeners, router } = this.#settings;
    const dyno: Dyno = new Dyno({
      ...blueprint.dyno(type, number, program, suffix),
      ...listeners,
      onEvent: (event) => {
        listeners.onEvent(event);
        router.changed(type);
      },
      ...(blueprint.serving(type).preboot && { onCycle: () => { this.#cycle(dyno); } }),
    });
    return dyno;
  }

  /** Its log says what became of it; it has another day. */
  #cycle(dyno: Dyno): void {
    this.inTurn(async () => this.#replace(dyno)).catch(() => undefined);
  }

  #add(type: string, number: number, program: Program): Dyno {
    const dyno = this.#make(type, number, program);
    this.#dynos.set(dyno.name, dyno);
    return dyno;
  }

  async #remove(dyno: Dyno): Promise<void> {
    await this.#drain(dyno);
    await dyno.stop();
    this.#dynos.delete(dyno.name);
    this.#settings.survival?.keeper(dyno.name, '').end();
  }

  /** Its connections may go on for a while. */
  async #drain(dyno: Dyno): Promise<void> {
    const { blueprint, router } = this.#settings;
    await router.drain(dyno, blueprint.serving(dyno.type).drainMs);
  }
}

/** Behind the id of the container that a dyno has beside another one. */
const twin = '-b';

function notUp({ name, state }: Dyno): TsrunError {
  return new TsrunError('ERR_TSRUN_STATE', `the new ${name} did not come up, it is ${state}`, { hint: 'its log says why' });
}
