/** What is written down of a formation, so that its dynos outlive the process that started them. */
import type { Runtime } from '../../container/runtime.js';
import type { LogLine } from '../log/line.js';
import { definitionFile, readDefinition, type Definition } from './definition.js';
import { FormationFolder } from './folder.js';
import { Journal } from './journal.js';
import { DynoKeeper } from './keeper.js';
import { plainOptions } from './plain-options.js';
import { placeOf, type SavedPlace } from './places.js';
import { readDyno } from './saved-dyno.js';

const dynosFolder = 'dynos';

export class Survival {
  readonly folder: FormationFolder;
  readonly #runtime: Runtime;
  readonly #journal: Journal;
  #definition: Definition;

  private constructor(runtime: Runtime, folder: FormationFolder, definition: Definition) {
    this.#runtime = runtime;
    this.folder = folder;
    this.#definition = definition;
    folder.makeFolder(dynosFolder);
    this.#journal = new Journal(folder);
  }

  /** @throws ERR_TSRUN_EXISTS; ERR_TSRUN_INVALID_ARGUMENT for options that are no data */
  static make(runtime: Runtime, name: string, given: Pick<Definition, 'image' | 'imageName' | 'options'>): Survival {
    const { places } = runtime;
    const definition: Definition = { ...given, version: 1, quantities: {}, options: plainOptions(given.options), workingFolder: process.cwd(), imageRoot: places.imageRoot };
    const survival = new Survival(runtime, FormationFolder.make(places, name), definition);
    survival.define({});
    return survival;
  }

  /** @throws ERR_TSRUN_NOT_FOUND; ERR_TSRUN_STATE while another process owns it, and for one of another version of tsrun */
  static take(runtime: Runtime, name: string): Survival {
    const folder = FormationFolder.take(runtime.places, name);
    try {
      return new Survival(runtime, folder, readDefinition(name, folder.read(definitionFile)));
    } catch (error) {
      folder.leave();
      throw error;
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
    this.define({ quantities: { ...this.#definition.quantities, ...quantities } });
  }

  /** Dynos are of another image, or on another stack, from now on. */
  redefine(image: string, imageName = this.#definition.imageName, stack?: string): void {
    const { options } = this.#definition;
    this.define({ image, imageName, options: { ...options, container: { ...options.container, ...(stack !== undefined && { stack }) } } });
  }

  /** Those that there were. */
  dynos(): readonly SavedPlace[] {
    return this.folder.names(dynosFolder).flatMap((file) => placeOf(file, () => readDyno(this.folder.read(`${dynosFolder}/${file}`) ?? '')) ?? []);
  }

  /** @param place as of `Journal` */
  keeper(place: string, id: string): DynoKeeper {
    return new DynoKeeper({ runtime: this.#runtime, folder: this.folder, journal: this.#journal }, place, id);
  }

  log(line: LogLine): void {
    this.#journal.add(line);
  }

  leave(): void {
    this.#journal.flush();
    this.folder.leave();
  }

  /** Nothing of it runs any more; with it goes what owners that were killed have left. */
  async end(): Promise<void> {
    this.#journal.flush();
    this.folder.end();
    if (!this.#runtime.isClosed) await this.#runtime.gc();
  }
}
