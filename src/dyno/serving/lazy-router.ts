/** The ports that a formation takes connections on, whose code is loaded with the first of them. */
import { TsrunError } from '../../spec/errors.js';
import type { Blueprint } from '../blueprint.js';
import type { Dyno } from '../dyno.js';
import { formationDefaults } from '../formation-options.js';
import type { LogLine } from '../log/line.js';
import type { DynoListener } from './listener.js';
import { servingDefaults, type ListenOptions, type PublishOptions } from './options.js';
import type { Router, RouterSettings } from './router.js';

/** The formation that it is of. */
export interface RouterSurroundings {
  readonly blueprint: Blueprint;
  readonly dynosOf: (type: string) => readonly Dyno[];
  readonly say: (line: LogLine) => void;
}

export class LazyRouter {
  readonly #settings: RouterSettings;
  #router: Router | undefined;
  #isClosed = false;

  constructor({ blueprint, dynosOf, say }: RouterSurroundings) {
    const { clock = formationDefaults.clock, processTypes = {} } = blueprint.founded.options;
    this.#settings = {
      clock,
      backends: dynosOf,
      portOf: (type) => (type === 'web' ? blueprint.port : undefined),
      idleAfterMs: (type) => processTypes[type]?.idle?.afterMs,
      log: (message) => { say({ timeMs: clock.now(), source: 'heroku', dyno: 'router', message }); },
    };
  }

  async listen(type: string, options: ListenOptions): Promise<DynoListener> {
    const { Router } = await import('./router.js');
    if (this.#isClosed) throw new TsrunError('ERR_TSRUN_STATE', 'the formation was stopped', { hint: 'start another one' });
    this.#router ??= new Router(this.#settings);
    return this.#router.listen(type, options);
  }

  async publish(ports: readonly PublishOptions[] = []): Promise<void> {
    for (const { type = servingDefaults.publishType, ...options } of ports) await this.listen(type, options);
  }

  /** Something became of a dyno of this type. */
  changed(type: string): void {
    this.#router?.changed(type);
  }

  /** Resolves when its connections have ended, or their time is over. */
  async drain(dyno: Dyno, drainMs: number): Promise<void> {
    await this.#router?.drain(dyno.type, dyno, drainMs);
  }

  /** Takes nothing more; what is open goes on. */
  close(): void {
    this.#isClosed = true;
    this.#router?.close();
  }

  /** No dyno is left. */
  reset(): void {
    this.#router?.reset();
  }
}
