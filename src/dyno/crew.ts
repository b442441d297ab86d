/** The dynos of a formation: which there are, how they come, are taken over, are replaced, and go. */
import { TsrunError } from '../spec/errors.js';
import { show } from '../spec/quote.js';
import type { Blueprint } from './blueprint.js';
import type { DynoSettings } from './dyno-settings.js';
import { Dyno } from './dyno.js';
import type { Program } from './program.js';
import type { LazyRouter } from './serving/lazy-router.js';
import type { RestartOptions } from './serving/options.js';
import type { DynoPart, SavedDyno } from './survival/saved-dyno.js';
import { inheritors, twin, type SavedPlace } from './survival/places.js';

export interface CrewSettings {
  readonly blueprint: Blueprint;
  readonly router: LazyRouter;
  /** Of each dyno. */
  readonly listeners: Pick<DynoSettings, 'onLog' | 'pace' | 'onEvent'>;
}

export class Crew {
  readonly #settings: CrewSettings;
  readonly #dynos = new Map<string, Dyno>();
  /** Those that are to replace others when they are up, and those that were replaced and are not gone yet. */
  readonly #beside = new Set<Dyno>();
  /** What another process has begun. */
  #unfinished: (() => Promise<void>)[] = [];
  #turns: Promise<void> = Promise.resolve();
  #isClosed = false;

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
  async adopt(places: readonly SavedPlace[], programOf: (type: string) => Program): Promise<void> {
    await Promise.all(inheritors(places).map(async ({ heir, rising, leaving }) => {
      const make = ({ type, number, suffix, saved }: SavedPlace, part?: DynoPart) => {
        const made = this.#make(type, number, programOf(type), { suffix, ...(saved !== undefined && { release: releaseOf(saved) }) });
        made.become(part);
        if (part !== undefined) this.#beside.add(made);
        return made;
      };
      const dyno = make(heir);
      const [next, old] = [rising && make(rising, 'rising'), leaving && make(leaving, 'leaving')];
      this.#dynos.set(dyno.name, dyno);
      await Promise.all([dyno.adopt(heir.saved), next?.adopt(rising?.saved), old?.adopt(leaving?.saved)]);
      this.#unfinished.push(async () => {
        if (old !== undefined) await this.#dismiss(old);
        if (next !== undefined) await (this.#isOfToday(rising?.saved) ? this.inTurn(async () => this.#succeed(dyno, next)) : this.#dismiss(next));
        await this.#mend(dyno, heir.saved);
      });
    }));
  }

  /** What a redeployment has made that was cut short is as all others again; what was being ended, and is wanted still, comes back. */
  async #mend(dyno: Dyno, saved: SavedDyno | undefined): Promise<void> {
    const isThere = () => this.#dynos.get(dyno.name) === dyno;
    if (saved === undefined || !isThere()) return;
    if (!this.#isOfToday(saved)) {
      await this.inTurn(async () => {
        if (isThere()) await this.#renew(dyno);
      });
    } else if (saved.life.then === 'nothing' && saved.life.isAsleep !== true) await dyno.restart();
  }

  #isOfToday(saved: SavedDyno | undefined): boolean {
    return saved === undefined || releaseOf(saved) === this.#settings.blueprint.founded.release;
  }

  /** What the process before had begun: the log says what becomes of it. */
  goOn(): void {
    for (const work of this.#unfinished.splice(0)) work().catch(() => undefined);
  }

  /** @param which a dyno, a process type, or all @throws ERR_TSRUN_NOT_FOUND; ERR_TSRUN_STATE where a new one did not come up */
  async restart(which: string | undefined, options: RestartOptions): Promise<void> {
    const chosen = this.all.filter(({ name, type }) => which === undefined || which === name || which === type);
    if (chosen.length === 0 && which !== undefined) throw new TsrunError('ERR_TSRUN_NOT_FOUND', `there is no dyno ${show(which)}`, { hint: `there are ${this.all.map(({ name }) => name).join(', ')}` });
    if (options.rolling === true) await this.inTurn(async () => this.#roll(chosen, options));
    else await Promise.all(chosen.map(async (dyno) => (this.#isPrebooted(dyno, options) ? this.inTurn(async () => this.#replace(dyno)) : dyno.restart())));
  }

  /**
   * Each dyno anew, one after the other, as the blueprint has them now.
   *
   * @param back makes the blueprint what it was; where a new dyno fails, those that were new already are then replaced again
   * @throws ERR_TSRUN_STATE where one did not come up, or not for so long
   */
  async renew({ steadyMs, ...options }: { readonly steadyMs: number } & Pick<RestartOptions, 'preboot'>, back: () => void): Promise<void> {
    const before = this.all;
    try {
      for (const old of before) {
        const dyno = await this.#renew(old, options);
        if (!(await dyno.settled(steadyMs))) throw notUp(dyno);
      }
    } catch (error) {
      back();
      const swapped = before.flatMap((old) => this.#dynos.get(old.name) ?? []).filter((dyno) => !before.includes(dyno));
      for (const dyno of swapped) await (await this.#renew(dyno, options)).settled();
      throw error;
    }
  }

  /** Nothing is begun any more. @param part what is done to each, also to those of a replacement */
  async end(part: (dyno: Dyno) => Promise<void>): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#dynos.values(), ...this.#beside].map(part));
  }

  async #renew(old: Dyno, options: Pick<RestartOptions, 'preboot'> = {}): Promise<Dyno> {
    const { name, type, number } = old;
    if (this.#isPrebooted(old, options)) await this.#replace(old);
    else {
      await this.#remove(old);
      if (this.#isClosed) throw new TsrunError('ERR_TSRUN_STATE', 'the formation was stopped');
      this.#add(type, number, this.#settings.blueprint.programOf(type)).start();
    }
    return this.#dynos.get(name) ?? old;
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
    const { name, type, number } = old;
    if (this.#dynos.get(name) !== old) return;
    // Both are there at once.
    const dyno = this.#make(type, number, this.#settings.blueprint.programOf(type), { suffix: old.id.endsWith(twin) ? '' : twin });
    this.#beside.add(dyno);
    dyno.become('rising');
    dyno.start();
    await this.#succeed(old, dyno);
  }

  async #succeed(old: Dyno, dyno: Dyno): Promise<void> {
    if (!(await dyno.settled()) || this.#dynos.get(old.name) !== old) {
      const failure = notUp(dyno);
      await this.#dismiss(dyno);
      throw failure;
    }
    this.#beside.add(old);
    // In this order: between the two, an owner that is killed leaves one that rises, and has nothing else to do but to take the place.
    old.become('leaving');
    dyno.become(undefined);
    this.#dynos.set(dyno.name, dyno);
    this.#beside.delete(dyno);
    this.#settings.router.changed(dyno.type);
    await this.#drain(old);
    await this.#dismiss(old);
  }

  /** One that is beside another. */
  async #dismiss(dyno: Dyno): Promise<void> {
    await dyno.stop();
    dyno.forget();
    this.#beside.delete(dyno);
  }

  #make(type: string, number: number, program: Program, place: Parameters<Blueprint['dyno']>[3] = {}): Dyno {
    const { blueprint, listeners, router } = this.#settings;
    const dyno: Dyno = new Dyno({
      ...blueprint.dyno(type, number, program, place),
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
    dyno.forget();
  }

  /** Its connections may go on for a while. */
  async #drain(dyno: Dyno): Promise<void> {
    const { blueprint, router } = this.#settings;
    await router.drain(dyno, blueprint.serving(dyno.type).drainMs);
  }
}

function releaseOf({ release = 0 }: SavedDyno): number {
  return release;
}

function notUp({ name, state }: Dyno): TsrunError {
  return new TsrunError('ERR_TSRUN_STATE', `the new ${name} did not come up, it is ${state}`, { hint: 'its log says why' });
}
