/** What is written down of a formation, so that its dynos outlive the process that started them. */
import type { Runtime } from '../../container/runtime.js';
import { definitionFile } from '../../container/state/formation-folders.js';
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import type { Clock } from '../clock.js';
import type { LogLine } from '../log/line.js';
import { readDefinition, type Definition } from './definition.js';
import { EventJournal } from './event-journal.js';
import { FormationFolder } from './folder.js';
import { Journal } from './journal.js';
import { DynoKeeper } from './keeper.js';
import { plainOptions } from './plain-options.js';
import { placeOf, type SavedPlace } from './places.js';
import { readDyno } from './saved-dyno.js';

const dynosFolder = 'dynos';

export class Survival {
  readonly folder: FormationFolder;
  readonly events: EventJournal;
  readonly #runtime: Runtime;
  readonly #journal: Journal;
  readonly #clock: Clock;
  #definition: Definition;

  private constructor(runtime: Runtime, folder: FormationFolder, definition: Definition, clock: Clock) {
    this.#runtime = runtime;
    this.#clock = clock;
    this.folder = folder;
    this.#definition = definition;
    folder.makeFolder(dynosFolder);
    this.#journal = new Journal(folder, clock);
    this.events = new EventJournal(folder);
  }

  /** @throws ERR_TSRUN_EXISTS; ERR_TSRUN_INVALID_ARGUMENT for options that are no data */
  static make(runtime: Runtime, name: string, given: Pick<Definition, 'image' | 'imageName' | 'options' | 'releasedAtMs'>, clock: Clock): Survival {
    const { places } = runtime;
    const definition: Definition = { ...given, version: 1, quantities: {}, options: plainOptions(given.options), workingFolder: process.cwd(), imageRoot: places.imageRoot, phase: 'founding' };
    const make = () => FormationFolder.make(places, name, { file: definitionFile, text: JSON.stringify(definition) });
    let folder: FormationFolder;
    try {
      folder = make();
    } catch (error) {
      if (!Survival.#isGone(runtime, name, clock)) throw error;
      folder = make();
    }
    return new Survival(runtime, folder, definition, clock);
  }

  /** @throws ERR_TSRUN_NOT_FOUND, also for one that nothing was started of yet; ERR_TSRUN_STATE while another process owns it, and for one of another version of tsrun */
  static take(runtime: Runtime, name: string, clock: Clock): Survival {
    const folder = FormationFolder.take(runtime.places, name);
    try {
      const definition = readDefinition(name, folder.read(definitionFile));
      if (definition.phase !== 'founding') return new Survival(runtime, folder, definition, clock);
      folder.end();
      throw new TsrunError('ERR_TSRUN_NOT_FOUND', `the formation ${show(name)} was given up before anything of it was started, its process being killed`, { hint: 'start it anew' });
    } catch (error) {
      folder.leave();
      throw error;
    }
  }

  /** What had the name was killed before it had started anything. */
  static #isGone(runtime: Runtime, name: string, clock: Clock): boolean {
    try {
      Survival.take(runtime, name, clock).leave();
      return false;
    } catch (error) {
      return TsrunError.is(error) && error.code === 'ERR_TSRUN_NOT_FOUND';
    }
  }

  get definition(): Definition {
    return this.#definition;
  }

  /** Lines that were told before. */
  get past(): readonly LogLine[] {
    return this.#journal.past;
  }

  /** Before what it says is done. */
  define(changes: Partial<Definition>): void {
    this.#definition = { ...this.#definition, ...changes };
    this.folder.write(definitionFile, JSON.stringify(this.#definition));
  }

  /** So many dynos of the types that are named. */
  want(quantities: Readonly<Record<string, number>>): void {
    this.define({ quantities: { ...this.#definition.quantities, ...quantities }, phase: undefined });
  }

  /** Dynos are of another image, or on another stack, from now on. */
  redefine(made: Pick<Definition, 'release' | 'releasedAtMs' | 'image'>, imageName = this.#definition.imageName, stack?: string): void {
    const { options } = this.#definition;
    this.define({ ...made, imageName, options: { ...options, container: { ...options.container, ...(stack !== undefined && { stack }) } } });
  }

  /** Those that there were. */
  dynos(): readonly SavedPlace[] {
    return this.folder.names(dynosFolder).flatMap((file) => placeOf(file, () => readDyno(this.folder.read(`${dynosFolder}/${file}`) ?? '')) ?? []);
  }

  /** @param place as of `Journal` @param release of what it runs */
  keeper(place: string, id: string, release: number): DynoKeeper {
    return new DynoKeeper({ runtime: this.#runtime, folder: this.folder, journal: this.#journal, clock: this.#clock }, { place, id, release });
  }

  log(line: LogLine): void {
    this.#journal.add(line);
  }

  leave(): void {
    this.#journal.flush();
    if (this.#definition.phase === 'founding') this.define({ phase: undefined });
    this.folder.leave();
  }

  /** It is to be stopped, whoever does it. */
  ending(): void {
    if (this.#definition.phase === undefined) this.define({ phase: 'ending' });
  }

  /** Nothing of it runs any more; with it goes what owners that were killed have left. */
  async end(): Promise<void> {
    this.#journal.flush();
    this.folder.end();
    if (!this.#runtime.isClosed) await this.#runtime.gc();
  }
}
