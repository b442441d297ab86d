/** A dyno: one process of a formation, in one container after the other. */
import type { Container } from '../container/container.js';
import { lostStatus } from '../container/state/exit-status.js';
import { TsrunError } from '../spec/errors.js';
import { deathOf, failedDeath, type Death } from './death.js';
import type { DynoSettings } from './dyno-settings.js';
import { Health, type HealthReport } from './health/health.js';
import { Lifecycle, type DynoState } from './lifecycle.js';
import { badBind } from './listeners.js';
import { copyOutput, unhurried, type Printed } from './log/output.js';
import { measure } from './metrics/measure.js';
import type { DynoSample } from './metrics/sample.js';
import { PortWatch } from './port-watch.js';
import { oomLines } from './sizes/quota.js';
import type { Found, Printing } from './survival/keeper.js';
import type { SavedDyno } from './survival/saved-dyno.js';

/** One process of a formation. It keeps its name and number, whatever container it runs in. */
export class Dyno {
  readonly #settings: DynoSettings;
  readonly #life: Lifecycle;
  readonly #port: PortWatch | undefined;
  readonly #health: Health | undefined;
  #running: Promise<void> = Promise.resolve();
  #container: Container | undefined;
  #lastDeath: Death | undefined;
  #sample: DynoSample | undefined;
  readonly #leaving = new AbortController();
  #lost = new AbortController();
  #launching: Promise<unknown> = Promise.resolve();
  #endWatch: () => void = () => undefined;

  /** @internal A formation makes its own. */
  constructor(settings: DynoSettings) {
    this.#settings = settings;
    const { clock, policy, command, stopSignal, graceMs, chance, delivery, isOneOff = false } = settings;
    this.#health = this.#healthOf(settings);
    const isUpWhenTold = this.#health?.hasStartup === true;
    const port = isUpWhenTold ? undefined : settings.port;
    this.#port = port === undefined ? undefined : new PortWatch(clock, port.number);
    this.#life = new Lifecycle({ clock, policy, command, stopSignal, graceMs, chance, isOneOff, isUpWhenTold, ...(port !== undefined && { bootTimeoutMs: port.bootTimeoutMs }) }, {
      launch: () => {
        this.#running = this.#run();
      },
      terminate: () => {
        // How it ends is told by its end.
        this.#container?.stop({ signal: stopSignal, delivery, graceMs: -1 }).catch(() => undefined);
      },
      kill: () => {
        this.#container?.killAll().catch(() => undefined);
      },
      badBind: () => (this.#port === undefined ? undefined : badBind(this.#port.listeners, this.#port.port)),
      log: (message) => {
        this.#say(message);
      },
      changed: (from, to) => {
        settings.onEvent({ type: 'state', dyno: this.name, timeMs: clock.now(), from, to });
        if (to === 'up') this.#health?.beginOthers();
      },
      remember: () => settings.keeper?.remember(this.#life.record, this.#lastDeath),
    });
  }

  /** `web.1` */
  get name(): string {
    return `${this.type}.${this.number}`;
  }

  /** `web` */
  get type(): string {
    return this.#settings.type;
  }

  /** Of its type, from 1. */
  get number(): number {
    return this.#settings.number;
  }

  /** What it runs, as the log shows it. */
  get command(): string {
    return this.#settings.command;
  }

  /** Where it is in its life. */
  get state(): DynoState {
    return this.#life.state;
  }

  /** It is up, and all of its checks of `readiness` have passed: it may have connections. */
  get isReady(): boolean {
    return this.state === 'up' && this.#health?.isReady !== false;
  }

  /** What its health checks have said; empty where it has none. */
  get health(): readonly HealthReport[] {
    return this.#health?.reports ?? [];
  }

  /** Since when it is there: milliseconds since 1970. */
  get sinceMs(): number {
    return this.#life.sinceMs;
  }

  /** That it runs in; undefined while it has none. */
  get container(): Container | undefined {
    return this.#container;
  }

  /** How it ended last; undefined: it never did. */
  get lastDeath(): Death | undefined {
    return this.#lastDeath;
  }

  /** What it used at the last sample of what runs now; undefined until there is one. */
  get sample(): DynoSample | undefined {
    return this.#sample;
  }

  /** In a row, as its restart policy counts. */
  get crashes(): number {
    return this.#life.crashes;
  }

  /** When it is started again, in milliseconds since 1970; undefined unless it has crashed and its policy wants it back. */
  get nextRestartAtMs(): number | undefined {
    return this.#life.nextRestartAtMs;
  }

  /** @internal */
  start(): void {
    this.#life.start();
  }

  /** @internal Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#health?.end();
    this.#life.stop();
    await this.#running;
  }

  /** @internal Resolves when what ran has ended. */
  async restart(): Promise<void> {
    const old = this.#running;
    this.#health?.end();
    this.#life.restart();
    await old;
  }

  /** @internal Goes on where another process stood; one of which nothing is known begins anew. */
  async adopt(saved: SavedDyno | undefined): Promise<void> {
    if (saved === undefined) {
      this.start();
      return;
    }
    const { life, lastDeath, ended } = saved;
    this.#lastDeath = lastDeath;
    const found = life.alive && ended === undefined ? await this.#settings.keeper?.find() : undefined;
    if (found !== undefined && 'container' in found) this.#container = found.container;
    this.#life.resume(life);
    if (!life.alive) return;
    if (ended !== undefined) this.#running = this.#end(ended);
    else if (found !== undefined) this.#running = this.#run(found);
    else if (life.isLaunched) this.#running = this.#end(deathOf(lostStatus(), life.doing));
    else this.#running = this.#run();
  }

  /** @internal What runs goes on, and is another process's; resolves when nothing more is begun here. */
  async leave(): Promise<void> {
    this.#leaving.abort();
    this.#life.leave();
    this.#endWatch();
    await this.#launching;
  }

  #healthOf({ clock, health, onEvent }: DynoSettings): Health | undefined {
    if (health === undefined) return undefined;
    return new Health({
      ...health,
      clock,
      up: () => {
        this.#life.bound();
      },
      giveUp: (line) => {
        this.#life.giveUp(line);
      },
      log: (message) => {
        this.#say(message);
      },
      changed: (change) => {
        onEvent({ type: 'health', dyno: this.name, timeMs: clock.now(), ...change });
      },
    });
  }

  async #run(found?: Found): Promise<void> {
    const death = await this.#live(found);
    // Who has closed the runtime without a word has left it as well.
    if (this.#settings.keeper !== undefined && this.#settings.runtime.isClosed) await this.leave();
    if (!this.#leaving.signal.aborted) await this.#end(death);
  }

  async #end(death: Death): Promise<void> {
    const { keeper, size, clock, onEvent } = this.#settings;
    this.#container = undefined;
    await keeper?.died(this.#life.record, this.#lastDeath, death);
    this.#lastDeath = death;
    this.#sample = undefined;
    if (size !== undefined) for (const line of oomLines(death, size)) this.#say(line);
    onEvent({ type: 'ended', dyno: this.name, timeMs: clock.now(), death });
    this.#life.ended(death);
  }

  async #live(found?: Found): Promise<Death> {
    const { attendance, keeper } = this.#settings;
    if (found !== undefined && 'status' in found) {
      await this.#read(found);
      return deathOf(found.status, this.#life.doing);
    }
    const unattended = await attendance?.awaitClient();
    if (unattended !== undefined) return unattended;
    let container: Container;
    try {
      container = found?.container ?? (await this.#launch());
    } catch (cause) {
      return failedDeath(TsrunError.is(cause) ? cause : new TsrunError('ERR_TSRUN_HOST', cause instanceof Error ? cause.message : String(cause), { cause }));
    }
    this.#container = container;
    const printed = this.#print(container);
    if (!this.#leaving.signal.aborted) this.#watch(container);
    const status = await container.exited;
    this.#endWatch();
    // A log that nobody writes any more has no end either.
    if (keeper !== undefined && status.cause === 'lost') this.#lost.abort();
    // What it said last stands before the line that says that it has ended.
    printed.hurry();
    await printed.done;
    return deathOf(status, this.#life.doing);
  }

  async #launch(): Promise<Container> {
    const { runtime, image, options, id, keeper } = this.#settings;
    const container = runtime.run(image, { ...options, ...keeper?.options, id, init: true });
    this.#launching = container.catch(() => undefined);
    return container;
  }

  #watch(container: Container): void {
    if (!this.#life.record.isLaunched) this.#life.launched();
    this.#health?.begin(container, this.state === 'up');
    if (this.state === 'starting') {
      this.#port?.begin(container.pid, () => {
        this.#life.bound();
      });
    }
    const endMeasure = measure(container, this.#settings, {
      log: (message) => {
        this.#say(message);
      },
      tell: (event) => {
        if (event.type === 'sample') this.#sample = event.sample;
        this.#settings.onEvent({ ...event, dyno: this.name, timeMs: this.#settings.clock.now() });
        if (event.type === 'quota' && event.code === 'R15') this.#life.overQuota();
      },
    });
    this.#endWatch = () => {
      endMeasure();
      this.#port?.end();
      this.#health?.end();
    };
  }

  #say(message: string): void {
    this.#settings.onLog({ timeMs: this.#settings.clock.now(), source: 'heroku', dyno: this.name, message });
  }

  #print(container: Container): Printed {
    const { clock, onLog, pace, attendance, keeper } = this.#settings;
    if (attendance !== undefined) return unhurried(attendance.attend(container));
    if (keeper !== undefined) return unhurried(this.#read({ createdAtMs: container.record.createdAtMs, container }));
    return copyOutput(container, pace, (message) => {
      onLog({ timeMs: clock.now(), source: 'app', dyno: this.name, message });
    });
  }

  /** What has one that outlives its owner printed stands in its log. */
  async #read(printing: Printing): Promise<void> {
    const { keeper, onLog } = this.#settings;
    this.#lost = new AbortController();
    const signal = AbortSignal.any([this.#leaving.signal, this.#lost.signal]);
    await keeper?.print(printing, ({ timeMs, message }) => {
      onLog({ timeMs, source: 'app', dyno: this.name, message });
    }, signal);
  }
}
