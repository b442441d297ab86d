/** The ports that a formation takes connections on: one service for each process type that has any. */
import { TsrunError } from '../../spec/errors.js';
import { show } from '../../spec/quote.js';
import type { Clock } from '../clock.js';
import type { Backend } from './backends.js';
import { DynoListener } from './listener.js';
import type { ListenOptions } from './options.js';
import { Service } from './service.js';

export interface RouterSettings {
  readonly clock: Clock;
  readonly backends: (type: string) => readonly Backend[];
  readonly idleAfterMs: (type: string) => number | undefined;
  /** That the dynos of a type are told to listen on. */
  readonly portOf: (type: string) => number | undefined;
  readonly log: (message: string) => void;
}

export class Router {
  readonly #settings: RouterSettings;
  readonly #services = new Map<string, Service>();
  readonly #listeners = new Set<DynoListener>();
  #isClosed = false;

  constructor(settings: RouterSettings) {
    this.#settings = settings;
  }

  async listen(type: string, options: ListenOptions): Promise<DynoListener> {
    const { log, portOf } = this.#settings;
    const innerPort = options.innerPort ?? portOf(type);
    if (innerPort === undefined) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `the dynos of ${show(type)} have no PORT`, { field: '/innerPort', hint: 'name the port that they listen on' });
    const listener = await DynoListener.open({ ...options, innerPort }, {
      type, log,
      service: this.#service(type),
      onClose: (closed) => {
        this.#listeners.delete(closed);
      },
    });
    this.#listeners.add(listener);
    if (this.#isClosed) listener.close();
    // They may be up already, and idle.
    else this.changed(type);
    return listener;
  }

  /** Something became of a dyno of this type. */
  changed(type: string): void {
    this.#services.get(type)?.changed();
  }

  async drain(type: string, backend: Backend, drainMs: number): Promise<void> {
    await this.#services.get(type)?.drain(backend, drainMs);
  }

  /** Takes nothing more; what is open goes on. */
  close(): void {
    this.#isClosed = true;
    for (const listener of this.#listeners) listener.close();
    for (const service of this.#services.values()) service.close();
  }

  /** No dyno is left. */
  reset(): void {
    for (const service of this.#services.values()) service.reset();
  }

  #service(type: string): Service {
    const { clock, log, backends, idleAfterMs } = this.#settings;
    const after = idleAfterMs(type);
    const service = this.#services.get(type) ?? new Service({ type, clock, log, backends: () => backends(type), ...(after !== undefined && { idleAfterMs: after }) });
    this.#services.set(type, service);
    return service;
  }
}
