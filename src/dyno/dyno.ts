/** A dyno: one process of a formation, in one container after the other. */
import type { Socket } from 'node:net';
import type { Container } from '../container/container.js';
import { lostStatus } from '../container/state/exit-status.js';
import { TsrunError } from '../spec/errors.js';
import { deathOf, failedDeath, type Death } from './death.js';
import type { DynoSettings } from './dyno-settings.js';
import { Ending } from './ending.js';
import type { HealthReport } from './health/health.js';
import type { DynoState } from './life-record.js';
import type { Prospect } from './life-settings.js';
import { Lifecycle } from './lifecycle.js';
import { connectToLoopback } from './loopback.js';
import type { DynoSample } from './metrics/sample.js';
import { DynoOutput } from './output.js';
import { Rising } from './rising.js';
import { oomLines } from './sizes/quota.js';
import type { Found } from './survival/keeper.js';
import type { DynoPart, SavedDyno } from './survival/saved-dyno.js';
import { DynoWatch } from './watch.js';

/** One process of a formation. It keeps its name and number, whatever container it runs in. */
export class Dyno {
  readonly #settings: DynoSettings;
  readonly #life: Lifecycle;
  readonly #watch: DynoWatch;
  readonly #ending: Ending;
  #running: Promise<void> = Promise.resolve();
  #container: Container | undefined;
  #lastDeath: Death | undefined;
  readonly #output: DynoOutput;
  #launching: Promise<unknown> = Promise.resolve();
  readonly #rising: Rising;

  /** @internal A formation makes its own. */
  constructor(settings: DynoSettings) {
    this.#settings = settings;
    this.#output = new DynoOutput(settings, this.name);
    const { clock, policy, command, stopSignal, graceMs, chance, isOneOff = false, onCycle } = settings;
    const say = this.#say.bind(this);
    this.#ending = new Ending(settings, () => this.#container);
    this.#rising = new Rising(clock, () => ({
      isUp: this.state === 'up' && !this.#output.isLeft,
      isComing: !this.#output.isLeft && (this.state === 'provisioning' || this.state === 'starting' || (this.state === 'down' && this.prospect === 'comes')),
    }));
    this.#watch = new DynoWatch({ settings, name: this.name, life: () => this.#life, say });
    const timeout = settings.port === undefined || this.#watch.isUpWhenTold ? {} : { bootTimeoutMs: settings.port.bootTimeoutMs };
    this.#life = new Lifecycle({ clock, policy, command, stopSignal, graceMs, chance, isOneOff, isUpWhenTold: this.#watch.isUpWhenTold, ...timeout }, {
      launch: () => { this.#running = this.#run(); },
      terminate: () => { this.#ending.terminate(); },
      kill: () => { this.#ending.kill(); },
      tellBadBind: () => { this.#watch.tellBadBind(); },
      log: say,
      changed: (from, to) => {
        settings.onEvent({ type: 'state', dyno: this.name, timeMs: clock.now(), from, to });
        if (to === 'up') this.#watch.beginOthers();
        this.#rising.changed();
      },
      remember: () => settings.keeper?.remember(this.#life.record, this.#lastDeath),
      ...(onCycle !== undefined && { replace: onCycle }),
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
    return this.state === 'up' && this.#watch.isReady;
  }

  /** What its health checks have said; empty where it has none. */
  get health(): readonly HealthReport[] {
    return this.#watch.reports;
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

  /** What was started last, as a UUID: another one with each start, the same for whoever adopts it. Undefined before the first. HEROKU_DYNO_ID, and in lines of metrics. */
  get instance(): string | undefined {
    return this.#life.record.instance;
  }

  /** What it used at the last sample of what runs now; undefined until there is one. */
  get sample(): DynoSample | undefined {
    return this.#watch.sample;
  }

  /** In a row, as its restart policy counts. */
  get crashes(): number {
    return this.#life.crashes;
  }

  /** How often it was started again, for whatever reason. */
  get restarts(): number {
    return Math.max(0, (this.#life.record.starts ?? 1) - 1);
  }

  /** When it is started again, in milliseconds since 1970; undefined unless it has crashed and its policy wants it back. */
  get nextRestartAtMs(): number | undefined {
    return this.#life.nextRestartAtMs;
  }

  /**
   * A connected socket to a TCP port that it listens on, made inside its network namespace: over its loopback, of IPv4, else of IPv6.
   *
   * @throws TsrunError as `Container.connect`; `ERR_TSRUN_STATE` also where it has no container
   */
  async connect(port: number): Promise<Socket> {
    const container = this.#container;
    if (container === undefined) throw new TsrunError('ERR_TSRUN_STATE', `the dyno ${this.name} is ${this.state}`, { hint: 'wait until it is up' });
    return connectToLoopback(container, port);
  }

  /** @internal Where it listens in the place of a port that its type is known by. */
  ownPort(port: number): number {
    const own = this.#settings.port;
    return own?.knownAs === port ? own.number : port;
  }

  /** @internal What a connection to it can hope for. */
  get prospect(): Prospect {
    const { prospect } = this.#life;
    return prospect === 'serves' && !this.isReady ? 'comes' : prospect;
  }

  /** @internal The container that it runs in, or would. */
  get id(): string {
    return this.#settings.id;
  }

  /** @internal Resolves when it is up, and has been for so long, or has failed to come up: whether it is. */
  async settled(steadyMs = 0): Promise<boolean> {
    return this.#rising.settled(steadyMs);
  }

  /** @internal Its part in a replacement, which the next owner must know; undefined: it has its place for itself. */
  become(part: DynoPart | undefined): void {
    this.#settings.keeper?.become(part);
  }

  /** @internal There shall be no such dyno any more. */
  forget(): void {
    if (!this.#output.isLeft) this.#settings.keeper?.end();
  }

  /** @internal Ends until it is woken, if it is up. */
  sleep(): void {
    this.#life.sleep();
  }

  /** @internal Starts if it sleeps. */
  wake(): void {
    this.#life.wake();
  }

  /** @internal */
  start(): void {
    this.#life.start();
  }

  /** @internal Resolves when nothing of it runs any more. */
  async stop(): Promise<void> {
    if (this.#output.isLeft) return;
    this.#watch.endHealth();
    this.#life.stop();
    await this.#running;
  }

  /** @internal Resolves when what ran has ended. */
  async restart(): Promise<void> {
    const old = this.#running;
    this.#watch.endHealth();
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
    this.#output.leave();
    this.#rising.changed();
    this.#life.leave();
    this.#ending.over();
    this.#watch.end();
    await this.#launching;
  }

  async #run(found?: Found): Promise<void> {
    const death = await this.#live(found);
    // Who has closed the runtime without a word has left it as well.
    if (this.#settings.keeper !== undefined && this.#settings.runtime.isClosed) await this.leave();
    if (!this.#output.isLeft) await this.#end(death);
  }

  async #end(death: Death): Promise<void> {
    const { keeper, size, clock, onEvent } = this.#settings;
    this.#container = undefined;
    this.#ending.over();
    await keeper?.died(this.#life.record, this.#lastDeath, death);
    this.#lastDeath = death;
    if (size !== undefined) for (const line of oomLines(death, size)) this.#say(line);
    onEvent({ type: 'ended', dyno: this.name, timeMs: clock.now(), death });
    this.#life.ended(death);
  }

  async #live(found?: Found): Promise<Death> {
    const { attendance, keeper } = this.#settings;
    if (found !== undefined && 'status' in found) {
      await this.#output.read(found);
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
    const printed = this.#output.print(container);
    if (!this.#output.isLeft) {
      // Before it may be up, which other checks begin with.
      this.#watch.begin(container);
      if (!this.#life.record.isLaunched) this.#life.launched();
    }
    const status = await container.exited;
    this.#watch.end();
    if (keeper !== undefined && status.cause === 'lost') this.#output.lose();
    // What it said last stands before the line that says that it has ended.
    printed.hurry();
    await printed.done;
    return deathOf(status, this.#life.doing);
  }

  async #launch(): Promise<Container> {
    const { runtime, image, options, id, keeper, tellsInstance = false } = this.#settings;
    const told = tellsInstance && this.instance !== undefined ? { env: { HEROKU_DYNO_ID: this.instance, ...options.env } } : {};
    const container = runtime.run(image, { ...options, ...told, ...keeper?.options, id, init: true });
    this.#launching = container.catch(() => undefined);
    return container;
  }

  #say(message: string): void {
    this.#settings.onLog({ timeMs: this.#settings.clock.now(), source: 'heroku', dyno: this.name, message });
  }
}
