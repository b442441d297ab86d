/** What each dyno of a formation is made of: the options of the formation, of its process type, and what the image says. */
import type { RunOptions } from '../container/options/options.js';
import type { Runtime } from '../container/runtime.js';
import type { DynoSettings } from './dyno.js';
import { formationDefaults, policyOf, type FormationOptions } from './formation-options.js';
import { healthOf } from './health/chosen.js';
import type { Program, ProgramSource } from './program.js';
import { shownSize, sizePressure } from './sizes/shown-size.js';
import { sizeLimits, withLimits } from './sizes/size-limits.js';
import { sizeOf, type DynoSize } from './sizes/sizes.js';

export interface Design {
  readonly runtime: Runtime;
  readonly image: string;
  readonly source: ProgramSource;
  readonly options: FormationOptions;
  /** Of the formation, in front of the names of its containers. */
  readonly name: string;
}

/** Who is told of a dyno is not its own matter. */
type Settings = Omit<DynoSettings, 'onLog' | 'pace' | 'onEvent'>;

export class Blueprint {
  readonly #design: Design;

  constructor(design: Design) {
    this.#design = design;
  }

  /** That web is told, unless its config vars say another. */
  get port(): number {
    const { env = {}, port = formationDefaults.port } = this.#design.options;
    return env['PORT'] === undefined ? port : Number(env['PORT']);
  }

  dyno(type: string, number: number, program: Program): Settings {
    const { source, options } = this.#design;
    const { restart = formationDefaults.restart, processTypes = {} } = options;
    const given = processTypes[type] ?? {};
    const { delivery, stopSignal, graceMs, bootTimeoutMs } = { ...formationDefaults, ...given };
    return {
      ...this.#common(type, program),
      options: this.#containerOptions(type, `${type}.${number}`, program),
      id: this.#idOf(`${type}.${number}`),
      policy: policyOf(given.restart ?? restart),
      chance: Math.random,
      type, number, delivery, stopSignal, graceMs,
      ...(type === 'web' && { port: { number: this.port, bootTimeoutMs } }),
      ...healthOf(given, type, source.healthcheck, this.port),
    };
  }

  /** @param env beside the config vars */
  oneOff(dyno: string, program: Program, env?: Readonly<Record<string, string>>) {
    return { ...this.#common('run', program), id: this.#idOf(dyno), options: this.#containerOptions('run', dyno, program, env) };
  }

  /** To see beforehand whether one of a type could be started. */
  planOptions(type: string, program: Program): RunOptions {
    return { ...this.#containerOptions(type, `${type}.1`, program), id: this.#idOf(`${type}.1`) };
  }

  sizeOf(type: string): DynoSize | undefined {
    const { processTypes, size } = this.#design.options;
    const choice = processTypes?.[type]?.size ?? size;
    return choice === undefined ? undefined : sizeOf(choice);
  }

  #common(type: string, program: Program) {
    const { runtime, image, options } = this.#design;
    const size = this.sizeOf(type);
    return {
      runtime,
      image,
      // A line of the log is one line, whatever a shell takes for one.
      command: program.text.replaceAll(/\s*[\r\n]\s*/g, ' '),
      clock: options.clock ?? formationDefaults.clock,
      metrics: options.metrics ?? false,
      ...(size !== undefined && { size }),
    };
  }

  #containerOptions(type: string, dyno: string, program: Program, more: Readonly<Record<string, string>> = {}): RunOptions {
    const { source, runtime: { host }, options: { env = {}, container = {}, showSize = true } } = this.#design;
    const size = this.sizeOf(type);
    const shown = size === undefined || !showSize ? {} : shownSize(size);
    const own = { ...shown.env, ...(type === 'web' && { PORT: String(this.port) }), ...env, ...more, DYNO: dyno };
    const options = { user: source.user, capDrop: ['ALL'], ...shown, ...container, ...program.options, env: own };
    return size === undefined ? options : withLimits({ ...sizePressure(host), ...options }, sizeLimits(size, host));
  }

  #idOf(dyno: string): string {
    return `${this.#design.name}.${dyno}`;
  }
}
