/** The one-off dynos of a formation that have not ended. */
import { randomNumber } from '../../container/state/random.js';
import type { Founded } from '../founding.js';
import type { Program } from '../program.js';
import { oneOffDefaults, type OneOffOptions } from './one-off-options.js';
import { releaseType, runRelease } from './release.js';
import { OneOff, type OneOffSurroundings } from './one-off.js';

/** What a formation gives to a program that runs once, when it has found that it could run. */
export type Provide = (program: Program, dyno: string, options: Pick<OneOffOptions, 'env' | 'size'>) => Promise<Omit<OneOffSurroundings, 'number'>>;

export class OneOffs {
  readonly #provide: Provide;
  readonly #live = new Map<string, OneOff>();

  constructor(provide: Provide) {
    this.#provide = provide;
  }

  get all(): readonly OneOff[] {
    return [...this.#live.values()];
  }

  /** What the platform begins by itself is `by` nobody. @param number default: a free one, of as many digits as Heroku's have */
  async run(program: Program, options: OneOffOptions, number?: number): Promise<OneOff> {
    const { type = oneOffDefaults.type } = options;
    const chosen = number ?? this.#freeNumber(type);
    const surroundings = await this.#provide(program, `${type}.${chosen}`, options);
    const { clock, command, onLog } = surroundings;
    if (options.by !== undefined) onLog({ timeMs: clock.now(), source: 'heroku', dyno: 'api', message: `Starting process with command \`${command}\` by user ${options.by}` });
    const oneOff = new OneOff({ ...surroundings, number: chosen }, options);
    this.#live.set(oneOff.name, oneOff);
    void oneOff.exited.then(() => this.#live.delete(oneOff.name));
    oneOff.start();
    return oneOff;
  }

  /** The release phase, where there is a process type of that name. @throws ERR_TSRUN_RELEASE */
  async release({ source, options: { release = true, processTypes = {} } }: Pick<Founded, 'source' | 'options'>): Promise<void> {
    if (release === false || !source.types.includes(releaseType)) return;
    await runRelease(release, processTypes[releaseType], async (options) => this.run(source.program(releaseType), options, 1));
  }

  /** Dynos of a formation have numbers up to 1000. */
  #freeNumber(type: string): number {
    for (;;) {
      const number = randomNumber(1001, 10_000);
      if (!this.#live.has(`${type}.${number}`)) return number;
    }
  }
}
