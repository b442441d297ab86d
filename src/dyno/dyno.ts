/** A dyno: one process of a formation, in one container after the other. */
import type { Container } from '../container/container.js';
import type { SignalDelivery } from '../container/delivery.js';
import type { RunOptions } from '../container/options/options.js';
import type { Runtime } from '../container/runtime.js';
import { TsrunError } from '../spec/errors.js';
import type { Clock } from './clock.js';
import { deathOf, failedDeath, type Death } from './death.js';
import type { DynoEvent } from './events.js';
import type { HealthCheck } from './health/health-options.js';
import { Health, type HealthReport } from './health/health.js';
import { Lifecycle, type DynoState } from './lifecycle.js';
import { badBind } from './listeners.js';
import { LogCopy } from './log/copy.js';
import type { LogHub } from './log/hub.js';
import type { LogLine } from './log/line.js';
import { measure } from './metrics/measure.js';
import type { DynoSample } from './metrics/sample.js';
import { PortWatch } from './port-watch.js';
import type { RestartPolicy } from './restart-policy.js';
import { oomLines } from './sizes/quota.js';
import type { DynoSize } from './sizes/sizes.js';

export interface DynoSettings {
  readonly runtime: Runtime;
  readonly clock: Clock;
  readonly type: string;
  readonly number: number;
  readonly image: string;
  /** As the log shows it. */
  readonly command: string;
  /** All but the id, the streams and the reaper. */
  readonly options: RunOptions;
  readonly id: string;
  readonly policy: RestartPolicy;
  readonly delivery: SignalDelivery;
  readonly stopSignal: string;
  readonly graceMs: number;
  /** That it must listen on, and how soon. */
  readonly port?: { readonly number: number; readonly bootTimeoutMs: number };
  /** Those of `startup` stand in the place of the port; a port is where they ask. */
  readonly health?: { readonly checks: readonly HealthCheck[]; readonly port: number };
  readonly size?: DynoSize;
  /** Whether the log has its samples. */
  readonly metrics: boolean;
  readonly chance: () => number;
  /** It runs once, and any end of it is its completion. */
  readonly isOneOff?: boolean;
  /** Who has what it prints, in the place of the log. */
  readonly attendance?: Attendance;
  readonly onLog: (line: LogLine) => void;
  /** How fast what it prints is read. */
  readonly pace: Pick<LogHub, 'turns' | 'room'>;
  readonly onEvent: (event: DynoEvent) => void;
}

/** A client of a dyno. */
export interface Attendance {
  /** Before there is a container; how it has ended where there shall be none. */
  readonly awaitClient: () => Promise<Death | undefined>;
  /** Resolves when nothing more is printed. */
  readonly attend: (container: Container) => Promise<void>;
}

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

  #healthOf({ clock, health, onEvent, onLog }: DynoSettings): Health | undefined {
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
        onLog({ timeMs: clock.now(), source: 'heroku', dyno: this.name, message });
      },
      changed: (change) => {
        onEvent({ type: 'health', dyno: this.name, timeMs: clock.now(), ...change });
      },
    });
  }

  async #run(): Promise<void> {
    const death = await this.#live();
    this.#container = undefined;
    this.#lastDeath = death;
    this.#sample = undefined;
    if (this.#settings.size !== undefined) for (const line of oomLines(death, this.#settings.size)) this.#say(line);
    this.#settings.onEvent({ type: 'ended', dyno: this.name, timeMs: this.#settings.clock.now(), death });
    this.#life.ended(death);
  }

  async #live(): Promise<Death> {
    const { runtime, image, options, id, attendance } = this.#settings;
    const unattended = await attendance?.awaitClient();
    if (unattended !== undefined) return unattended;
    let container: Container;
    try {
      container = await runtime.run(image, { ...options, id, init: true });
    } catch (cause) {
      return failedDeath(TsrunError.is(cause) ? cause : new TsrunError('ERR_TSRUN_HOST', cause instanceof Error ? cause.message : String(cause), { cause }));
    }
    this.#container = container;
    const printed = this.#print(container);
    this.#health?.begin(container);
    this.#life.launched();
    this.#port?.begin(container.pid, () => {
      this.#life.bound();
    });
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
    const status = await container.exited;
    endMeasure();
    this.#port?.end();
    this.#health?.end();
    // What it said last stands before the line that says that it has ended.
    printed.hurry();
    await printed.done;
    return deathOf(status, this.#life.doing);
  }

  #say(message: string): void {
    this.#settings.onLog({ timeMs: this.#settings.clock.now(), source: 'heroku', dyno: this.name, message });
  }

  /** What was said when it ended stands before the line that says so, and waits for no drain then. */
  #print(container: Container): { readonly done: Promise<unknown>; readonly hurry: () => void } {
    const { clock, onLog, pace, attendance } = this.#settings;
    if (attendance !== undefined) return { done: attendance.attend(container), hurry: () => undefined };
    const copies = [container.stdout, container.stderr].flatMap((stream) => {
      if (stream === null) return [];
      const copy = new LogCopy(pace, (message) => {
        onLog({ timeMs: clock.now(), source: 'app', dyno: this.name, message });
      });
      return [{ copy, done: copy.from(stream) }];
    });
    return {
      done: Promise.all(copies.map(async ({ done }) => done)),
      hurry: () => {
        for (const { copy } of copies) copy.hurry();
      },
    };
  }
}
