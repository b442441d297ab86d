/** One-off dynos: a program beside the formation, with its image and config, that runs once (Dev Center, "One-off dynos"). */
import type { Container } from '../../container/container.js';
import { deferred } from '../../spec/deferred.js';
import { TsrunError } from '../../spec/errors.js';
import { parseSignal, signalName } from '../../spec/signals.js';
import type { Death } from '../death.js';
import type { DynoSettings } from '../dyno-settings.js';
import { Dyno } from '../dyno.js';
import type { DynoState } from '../life-record.js';
import { lineOf } from '../log/output.js';
import { restartPolicies } from '../restart-policy.js';
import type { Attachment } from './attachment.js';
import { Desk } from './desk.js';
import { oneOffDefaults, type OneOffOptions } from './one-off-options.js';

/** What a one-off dyno does not decide itself. */
export type OneOffSurroundings = Pick<DynoSettings, 'runtime' | 'clock' | 'image' | 'command' | 'options' | 'id' | 'number' | 'metrics' | 'size' | 'lineForm' | 'tellsInstance' | 'onLog' | 'pace' | 'onEvent'>;

/**
 * A program that runs once beside the dynos of a formation, started by `Formation.run`. It is never started again, and any end is its
 * completion, with its own exit code.
 *
 * @example
 * import { Formation, Runtime } from 'tsrun';
 * await using runtime = await Runtime.open();
 * await using formation = await Formation.start(runtime, './rootfs', { quantities: {} });
 * const oneOff = await formation.run('echo migrated; exit 7');
 * console.log((await oneOff.exited).code); // 7
 * await formation.stop();
 * for await (const { source, message } of formation.logs()) if (source === 'app') console.log(message); // migrated
 */
export class OneOff {
  readonly #dyno: Dyno;
  readonly #desk: Desk | undefined;
  readonly #exited = deferred<Death>();

  /** @internal A formation makes its own. */
  constructor(surroundings: OneOffSurroundings, options: OneOffOptions) {
    const { clock, onLog, onEvent, number, lineForm } = surroundings;
    const { type, terminal, stopSignal, graceMs, timeToLiveMs, attachTimeoutMs, idleTimeoutMs, attach = terminal !== false } = { ...oneOffDefaults, ...options };
    const dyno = `${type}.${number}`;
    this.#desk = !attach ? undefined : new Desk({
      clock, attachTimeoutMs, lineForm,
      ...(terminal !== false && idleTimeoutMs >= 0 && { idleTimeoutMs }),
      log: (message) => {
        onLog({ timeMs: clock.now(), source: 'heroku', dyno, message });
      },
      print: (lines) => {
        for (const line of lines) onLog(lineOf(dyno, clock.now(), line));
      },
    });
    this.#dyno = new Dyno({
      ...surroundings,
      type, graceMs,
      stopSignal: signalName(parseSignal(stopSignal)),
      options: { ...surroundings.options, ...(attach && (terminal === false ? { stdin: 'pipe' } : { terminal })) },
      // Its time ends as a day does for other dynos, but nothing brings it back.
      policy: { ...restartPolicies.never, cycling: { everyMs: timeToLiveMs, jitterMs: 0 } },
      delivery: 'all',
      chance: () => 0,
      isOneOff: true,
      ...(this.#desk !== undefined && { attendance: this.#desk }),
      onEvent: (event) => {
        if (event.type === 'ended') this.#desk?.end(event.death);
        onEvent(event);
        if (event.type === 'state' && event.to === 'complete' && this.lastDeath !== undefined) this.#exited.resolve(this.lastDeath);
      },
    });
  }

  /** `run.1234` */
  get name(): string {
    return this.#dyno.name;
  }

  /** Where it is in its life; at its end `complete`, whatever its exit code. */
  get state(): DynoState {
    return this.#dyno.state;
  }

  /** That it runs in; undefined before and after. */
  get container(): Container | undefined {
    return this.#dyno.container;
  }

  /** How it ended; undefined while it runs. */
  get lastDeath(): Death | undefined {
    return this.#dyno.lastDeath;
  }

  /** How it ends; it never rejects. */
  get exited(): Promise<Death> {
    return this.#exited.promise;
  }

  /**
   * Its client, for one that was started with `attach` or a terminal: the first one lets it start. After a `detach`, or when a client was
   * lost, another may come.
   *
   * @throws TsrunError `ERR_TSRUN_STATE` when it cannot be attached to, has a client, or has ended; as `Runtime.run` when its program
   * could not be started
   */
  async attach(): Promise<Attachment> {
    if (this.#desk === undefined) throw new TsrunError('ERR_TSRUN_STATE', `the one-off dyno '${this.name}' runs detached`, { hint: 'start it with attach, or with a terminal' });
    return this.#desk.attach();
  }

  /** Asks all of its processes to end, and kills them when the grace is over (R12). Resolves when nothing of it is left. */
  async stop(): Promise<void> {
    const stopped = this.#dyno.stop();
    this.#desk?.giveUp();
    await stopped;
  }

  /** @internal */
  get dyno(): Dyno {
    return this.#dyno;
  }

  /** @internal */
  start(): void {
    this.#dyno.start();
  }
}
