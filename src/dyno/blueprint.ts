/** What each dyno of a formation is made of: the options of the formation, of its process type, and what the image says. */
import type { RunOptions } from '../container/options/options.js';
import { parseSignal, signalName } from '../spec/signals.js';
import type { DynoSettings } from './dyno-settings.js';
import { formationDefaults, policyOf } from './formation-options.js';
import type { Founded } from './founding.js';
import { healthOf } from './health/chosen.js';
import { dynoMetadata } from './metadata.js';
import type { OneOffOptions } from './one-off/one-off-options.js';
import { refuseRelease } from './one-off/release.js';
import { checkHostPorts, hostPort } from './ports.js';
import { imposed } from './profile.js';
import type { Program } from './program.js';
import { servingDefaults } from './serving/options.js';
import { checkDiskQuota } from './sizes/disk-quota.js';
import { shownSize, sizePressure } from './sizes/shown-size.js';
import { sizeLimits, withLimits } from './sizes/size-limits.js';
import { sizeOf, type DynoSize } from './sizes/sizes.js';

/** Who is told of a dyno is not its own matter. */
type Settings = Omit<DynoSettings, 'onLog' | 'pace' | 'onEvent'>;

export interface Wanted {
  readonly type: string;
  readonly count: number;
  readonly program: Program;
}

export class Blueprint {
  /** What dynos are made of that are made from now on. */
  founded: Founded;

  constructor(founded: Founded) {
    this.founded = founded;
  }

  /** That web is told, unless its config vars say another; in the host's network it is that of the first. */
  get port(): number {
    const { env = {}, port = formationDefaults.port } = this.founded.options;
    return env['PORT'] === undefined ? port : Number(env['PORT']);
  }

  /** How connections to dynos of a type are treated. */
  serving(type: string): { readonly preboot: boolean; readonly drainMs: number } {
    const { preboot = servingDefaults.preboot, drainMs = servingDefaults.drainMs } = this.founded.options.processTypes?.[type] ?? {};
    return { preboot, drainMs };
  }

  programOf(type: string): Program {
    return this.founded.source.program(type);
  }

  /** @param suffix behind the id of its container @param release what it runs is of */
  dyno(type: string, number: number, program: Program, { suffix = '', release = this.founded.release }: { readonly suffix?: string; readonly release?: number } = {}): Settings {
    const { source, options, survival } = this.founded;
    const name = `${type}.${number}`;
    const id = `${this.#idOf(name)}${suffix}`;
    const { restart = formationDefaults.restart, processTypes = {} } = options;
    const given = processTypes[type] ?? {};
    const { delivery, stopSignal, graceMs, bootTimeoutMs } = { ...formationDefaults, ...options, ...given };
    const size = this.sizeOf(type);
    const port = this.#sharesNetwork ? hostPort(this.port, number, suffix !== '') : this.port;
    return {
      ...this.#common(program, size),
      options: this.#containerOptions(type, name, program, size, {}, port),
      id,
      ...(survival !== undefined && { keeper: survival.keeper(`${name}${suffix}`, id, release) }),
      policy: policyOf(given.restart ?? restart),
      chance: Math.random,
      type, number, delivery, graceMs,
      // As the log names it.
      stopSignal: signalName(parseSignal(stopSignal)),
      ...(given.repeatStopMs !== undefined && { repeatStopMs: given.repeatStopMs }),
      ...(type === 'web' && { port: { number: port, bootTimeoutMs, knownAs: this.port } }),
      ...(this.#sharesNetwork && { sharesNetwork: true }),
      ...healthOf(given, type, source.healthcheck, port),
    };
  }

  /** @throws as `Runtime.plan` where it could not be started */
  async oneOff(dyno: string, program: Program, { env, size: choice }: Pick<OneOffOptions, 'env' | 'size'>) {
    const size = choice === undefined ? this.sizeOf('run') : sizeOf(choice);
    const settings = { ...this.#common(program, size), id: this.#idOf(dyno), options: this.#containerOptions('run', dyno, program, size, env) };
    await this.#check({ ...settings.options, id: settings.id }, size);
    return settings;
  }

  /** What there shall be of each type. Nothing is started of what could not be. @throws as `Formation.scale` */
  async wanted(quantities: Readonly<Record<string, number>>): Promise<readonly Wanted[]> {
    const { source, options: { processTypes } } = this.founded;
    refuseRelease(quantities);
    const wanted = Object.entries(quantities).map(([type, count]) => ({ type, count, program: source.program(type) }));
    for (const { type } of wanted) healthOf(processTypes?.[type], type, source.healthcheck, this.port);
    if (this.#sharesNetwork) checkHostPorts(this.port, quantities['web'] ?? 0);
    for (const { type, count, program } of wanted) {
      const name = `${type}.1`;
      const size = this.sizeOf(type);
      if (count > 0) await this.#check({ ...this.#containerOptions(type, name, program, size), id: this.#idOf(name) }, size);
    }
    return wanted;
  }

  sizeOf(type: string): DynoSize | undefined {
    const { processTypes, size } = this.founded.options;
    const choice = processTypes?.[type]?.size ?? size;
    return choice === undefined ? undefined : sizeOf(choice);
  }

  /** @throws as `Runtime.plan`; ERR_TSRUN_HOST for a disk that could not be held to its size */
  async #check(options: RunOptions, size: DynoSize | undefined): Promise<void> {
    const { runtime, image } = this.founded;
    if (size?.diskBytes !== undefined) checkDiskQuota(runtime.places.imageRoot);
    await runtime.plan(image, options);
  }

  #common(program: Program, size: DynoSize | undefined) {
    const { runtime, image, options } = this.founded;
    return {
      runtime,
      image,
      // A line of the log is one line, whatever a shell takes for one.
      command: program.text.replaceAll(/\s*[\r\n]\s*/g, ' '),
      clock: options.clock ?? formationDefaults.clock,
      metrics: options.metrics ?? false,
      ...(options.metadata === true && { tellsInstance: true }),
      ...(options.logLines !== undefined && { lineForm: options.logLines }),
      ...(size !== undefined && { size }),
    };
  }

  get #sharesNetwork(): boolean {
    return this.founded.options.container?.network === 'host';
  }

  #containerOptions(type: string, dyno: string, program: Program, size: DynoSize | undefined, more: Readonly<Record<string, string>> = {}, port = this.port): RunOptions {
    const { source, runtime: { host }, options: { env = {}, platformEnv = {}, container = {}, showSize = true, metadata = false, profile } } = this.founded;
    const shown = size === undefined || !showSize ? {} : shownSize(size);
    // What its config vars say of it is in `port`.
    const own = { ...shown.env, ...(metadata && dynoMetadata({ ...this.founded, revision: source.revision })), ...platformEnv, ...env, ...(type === 'web' && { PORT: String(port) }), ...more, DYNO: dyno };
    const options = { user: source.user, capDrop: ['ALL'], ...shown, ...container, ...(profile !== undefined && imposed()), ...program.options, env: own };
    return size === undefined ? options : withLimits({ ...sizePressure(host), ...options }, sizeLimits(size, host));
  }

  #idOf(dyno: string): string {
    return `${this.founded.name}.${dyno}`;
  }
}
