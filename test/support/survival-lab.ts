/** Formations that outlive their process: what a test gives them, sees of them, and finds left. */
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DynoEvent, Formation, FormationOptions, LogLine } from '../../src/index.js';
import type { FormationErrand } from './formation-owner.js';
import type { Lab } from './lab.js';
import { cgroupsOf, processesOf } from './leaks.js';

export function collect(formation: Formation): { readonly lines: LogLine[]; readonly events: DynoEvent[] } {
  const [lines, events]: [LogLine[], DynoEvent[]] = [[], []];
  void (async () => {
    for await (const line of formation.logs()) lines.push(line);
  })();
  void (async () => {
    for await (const event of formation.events()) events.push(event);
  })();
  return { lines, events };
}

export const said = (lines: readonly LogLine[], dyno: string, source: LogLine['source'] = 'app') => lines.filter((line) => line.dyno === dyno && line.source === source).map(({ message }) => message);
export const alive = (pid = 0) => existsSync(`/proc/${pid}/exe`);

export class SurvivalLab {
  readonly #lab: Lab;

  constructor(lab: Lab) {
    this.#lab = lab;
  }

  readonly errand = async (options: FormationOptions): Promise<FormationErrand> => {
    await this.#lab.runtime();
    return { stateRoot: this.#lab.stateRoot, imageRoot: this.#lab.imageRoot, image: this.#lab.image, name: this.#lab.newId(), options };
  };

  readonly nothingOf = (name: string): string[] => {
    const containers = readdirSync(join(this.#lab.stateRoot, 'containers')).filter((each) => each.includes(name));
    const folder = this.#folderOf(name);
    return [...processesOf(name).map((pid) => `process ${pid}`), ...cgroupsOf(name), ...containers, ...(existsSync(folder) ? [folder] : [])];
  };

  /** A folder that the host and dynos share at /srv. */
  readonly sharing = (): { readonly folder: string; readonly container: NonNullable<FormationOptions['container']> } => {
    const folder = mkdtempSync(join(this.#lab.scratch, 'shared-'));
    chmodSync(folder, 0o777);
    return { folder, container: { mounts: [{ type: 'bind', source: folder, destination: '/srv' }] } };
  };

  /** Where its dynos are written down. */
  readonly placesOf = (name: string): string[] => readdirSync(join(this.#folderOf(name), 'dynos')).filter((each) => !each.startsWith('.')).sort();

  /** One of them has that part in a replacement. */
  readonly isPart = (name: string, part: string): boolean => this.placesOf(name).some((place) => readFileSync(join(this.#folderOf(name), 'dynos', place), 'utf8').includes(`"part":"${part}"`));

  #folderOf(name: string): string {
    return join(this.#lab.stateRoot, 'formations', name);
  }
}
