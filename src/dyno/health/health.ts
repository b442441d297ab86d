/** Whether a dyno is well: all of its checks together, and what is done about it. */
import type { Container } from '../../container/container.js';
import type { Clock } from '../clock.js';
import type { HealthAction, HealthCheck, HealthPurpose } from './health-options.js';
import { HealthMonitor, type HealthStatus } from './monitor.js';
import { describeProbe, probeHealth } from './probe.js';

/** What is known of one check. */
export interface HealthReport {
  /** As the log has it. */
  readonly name: string;
  /** What it decides. */
  readonly purpose: HealthPurpose;
  /** What its last answers add up to. */
  readonly status: HealthStatus;
  /** In a row. */
  readonly failures: number;
  /** Why it failed last; undefined: it never did. */
  readonly lastFailure: string | undefined;
}

/** A check has another status than before. */
export interface HealthChange {
  /** Its name, as the log has it. */
  readonly check: string;
  /** What it decides. */
  readonly purpose: HealthPurpose;
  /** What its last answers add up to now. */
  readonly status: HealthStatus;
  /** Where it is `unhealthy`. */
  readonly why: string | undefined;
}

export interface HealthSettings {
  readonly clock: Clock;
  readonly checks: readonly HealthCheck[];
  /** Where a probe names none. */
  readonly port: number;
  /** All checks of `startup` have passed. */
  readonly up: () => void;
  /** It is to be ended, and this line says why. */
  readonly giveUp: (line: string) => void;
  readonly log: (message: string) => void;
  readonly changed: (change: HealthChange) => void;
}

interface Watched {
  readonly name: string;
  readonly purpose: HealthPurpose;
  readonly monitor: HealthMonitor;
}

export class Health {
  readonly #settings: HealthSettings;
  readonly #watched: readonly Watched[];
  #container: Container | undefined;

  constructor(settings: HealthSettings) {
    this.#settings = settings;
    this.#watched = settings.checks.map((check) => this.#watch(check));
  }

  /** Then it is up when they have passed. */
  get hasStartup(): boolean {
    return this.#of('startup').length > 0;
  }

  /** Nothing speaks against connections to it. */
  get isReady(): boolean {
    return this.#of('readiness').every(({ monitor }) => monitor.status === 'healthy');
  }

  get reports(): readonly HealthReport[] {
    return this.#watched.map(({ name, purpose, monitor: { status, failures, lastFailure } }) => ({ name, purpose, status, failures, lastFailure }));
  }

  /** Its program runs, and may have been up before this process was there. */
  begin(container: Container, isUp: boolean): void {
    this.#container = container;
    if (isUp) this.beginOthers();
    else for (const { monitor } of this.#of('startup')) monitor.begin();
  }

  /** It is up. */
  beginOthers(): void {
    for (const { monitor } of [...this.#of('readiness'), ...this.#of('liveness')]) monitor.begin();
  }

  /** Its program has ended, or is about to. */
  end(): void {
    for (const { monitor } of this.#watched) monitor.end();
  }

  #of(purpose: HealthPurpose): readonly Watched[] {
    return this.#watched.filter((each) => each.purpose === purpose);
  }

  #watch(check: HealthCheck): Watched {
    const { purpose, probe, name = describeProbe(probe) } = check;
    const { action, ...times } = { ...defaultsOf(check), ...check };
    const { clock, port } = this.#settings;
    const { initialDelayMs, intervalMs, timeoutMs, retries, startPeriodMs, startIntervalMs = intervalMs } = times;
    let hasFailed = false;
    const monitor = new HealthMonitor({
      clock, initialDelayMs, intervalMs, timeoutMs, retries, startPeriodMs, startIntervalMs,
      probe: async (signal) => (this.#container === undefined ? 'it does not run' : probeHealth(this.#container, probe, port, signal)),
      changed: (status, why) => {
        this.#settings.changed({ check: name, purpose, status, why });
        if (status === 'unhealthy') this.#failed(`${titles[purpose]} check failed: ${name}: ${why ?? ''}`, action);
        else if (hasFailed && action !== 'none') this.#settings.log(`${titles[purpose]} check passed: ${name}`);
        hasFailed = status === 'unhealthy';
        if (purpose === 'startup' && status === 'healthy') this.#passed(monitor);
      },
    });
    return { name, purpose, monitor };
  }

  #failed(line: string, action: HealthAction): void {
    if (action === 'restart') {
      this.end();
      this.#settings.giveUp(line);
    } else if (action === 'report') this.#settings.log(line);
  }

  /** What has started once is not asked again. */
  #passed(monitor: HealthMonitor): void {
    monitor.end();
    if (this.#of('startup').every((each) => each.monitor.status === 'healthy')) this.#settings.up();
  }
}

const titles = { startup: 'Startup', readiness: 'Readiness', liveness: 'Liveness' } as const;

function defaultsOf({ purpose }: HealthCheck) {
  const isStartup = purpose === 'startup';
  return {
    initialDelayMs: 0,
    intervalMs: isStartup ? 1000 : 10_000,
    timeoutMs: 5000,
    retries: isStartup ? 60 : 3,
    startPeriodMs: 0,
    action: purpose === 'readiness' ? 'report' : 'restart',
  } as const;
}
