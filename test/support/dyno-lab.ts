/** A formation that is watched: all that its log said and its events told. */
import { Formation, type DynoEvent, type FormationOptions, type LogLine } from '../../src/index.js';
import type { Lab } from './lab.js';

export interface WatchedFormation {
  readonly formation: Formation;
  /** With all that was said until then read. */
  readonly stop: () => Promise<void>;
  /** Without time. */
  readonly lines: string[];
  readonly events: DynoEvent[];
}

/** One worker that runs this line of the shell, once. */
export async function watchWorker(lab: Lab, command: string, options: FormationOptions = {}): Promise<WatchedFormation> {
  return watchFormation(lab, { restart: 'never', processTypes: { worker: { command } }, quantities: { worker: 1 }, ...options });
}

/** From its start on. @param options `image`: default the fixture's */
export async function watchFormation(lab: Lab, { image = lab.image, ...options }: FormationOptions & { readonly image?: string }): Promise<WatchedFormation> {
  const formation = await Formation.start(await lab.runtime(), image, { name: lab.newId(), ...options });
  const [lines, events]: [string[], DynoEvent[]] = [[], []];
  const say = ({ source, dyno, message }: LogLine) => `${source}[${dyno}]: ${message}`;
  const readers = [
    (async () => {
      for await (const line of formation.logs()) lines.push(say(line));
    })(),
    (async () => {
      for await (const event of formation.events()) events.push(event);
    })(),
  ];
  const stop = async () => {
    await formation.stop();
    await Promise.all(readers);
  };
  return { formation, lines, events, stop };
}
