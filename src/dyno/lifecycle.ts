/**
 * The life of a dyno as a state machine: what is done when, and what its log says of it (Dev Center, "Dynos", "Error codes"). It knows a
 * clock and what can be done to a dyno; containers it knows not.
 */
import type { Clock } from './clock.js';
import { isForGood, type Death, type Doing } from './death.js';
import type { DynoState, LifeRecord } from './life-record.js';
import { cycleDelayMs, restartDelayMs, type RestartPolicy } from './restart-policy.js';

export type { DynoState } from './life-record.js';

/** What is done to a dyno. Answers come as calls of `launched`, `bound` and `ended`. */
export interface LifecycleActions {
  readonly launch: () => void;
  /** The stop signal. */
  readonly terminate: () => void;
  /** SIGKILL to all of it. */
  readonly kill: () => void;
  /** What it listens on instead of its port, as a line of the log. */
  readonly badBind: () => string | undefined;
  /** A line of the platform's. */
  readonly log: (message: string) => void;
  readonly changed: (from: DynoState, to: DynoState) => void;
  /** Something of `record` is another now: told before what follows from it is done. */
  readonly remember?: () => void;
}

export interface LifecycleSettings {
  readonly clock: Clock;
  readonly policy: RestartPolicy;
  /** As the log shows it. */
  readonly command: string;
  /** Name of the signal that asks it to end. */
  readonly stopSignal: string;
  /** From that signal to SIGKILL. */
  readonly graceMs: number;
  /** How soon it must listen on its port; absent: it is up when its program runs. */
  readonly bootTimeoutMs?: number;
  /** Without a boot timeout: it is up when `bound` is called all the same. */
  readonly isUpWhenTold?: boolean;
  /** 0 to 1, for the jitter of cycling. */
  readonly chance: () => number;
  /** It runs once: any end is its completion, and nothing brings it back. */
  readonly isOneOff?: boolean;
}

export class Lifecycle {
  readonly #settings: LifecycleSettings;
  readonly #actions: LifecycleActions;
  #state: DynoState = 'provisioning';
  #sinceMs: number;
  #doing: Doing = 'nothing';
  /** A program runs, or is on its way. */
  #alive = false;
  #isLaunched = false;
  /** After the end of the program that lives: what the policy says, nothing, or a new one. */
  #then: LifeRecord['then'] = 'policy';
  #crashes = 0;
  #upSinceMs = 0;
  #nextRestartAtMs: number | undefined;
  #cycleAtMs: number | undefined;
  #deadlineMs: number | undefined;
  #cancelTimer: () => void = () => undefined;
  #cancelCycle: () => void = () => undefined;

  constructor(settings: LifecycleSettings, actions: LifecycleActions) {
    this.#settings = settings;
    this.#actions = actions;
    this.#sinceMs = settings.clock.now();
  }

  get state(): DynoState {
    return this.#state;
  }

  /** Since when: milliseconds since 1970. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** When a crashed one is started again: milliseconds since 1970. */
  get nextRestartAtMs(): number | undefined {
    return this.#nextRestartAtMs;
  }

  /** In a row. */
  get crashes(): number {
    return this.#crashes;
  }

  /** What was done to the program that lives or has just ended. */
  get doing(): Doing {
    return this.#doing;
  }

  get record(): LifeRecord {
    return {
      state: this.#state, sinceMs: this.#sinceMs, doing: this.#doing, alive: this.#alive, isLaunched: this.#isLaunched, then: this.#then, crashes: this.#crashes, upSinceMs: this.#upSinceMs,
      ...(this.#nextRestartAtMs !== undefined && { nextRestartAtMs: this.#nextRestartAtMs }),
      ...(this.#cycleAtMs !== undefined && { cycleAtMs: this.#cycleAtMs }),
      ...(this.#deadlineMs !== undefined && { deadlineMs: this.#deadlineMs }),
    };
  }

  /** Goes on where another process stood: what was due meanwhile is done at once, what was being done is done again. */
  resume(record: LifeRecord): void {
    [this.#state, this.#sinceMs, this.#doing, this.#then] = [record.state, record.sinceMs, record.doing, record.then];
    [this.#alive, this.#isLaunched, this.#crashes, this.#upSinceMs] = [record.alive, record.isLaunched, record.crashes, record.upSinceMs];
    const { nextRestartAtMs, cycleAtMs, deadlineMs } = record;
    if (!record.alive) {
      if (nextRestartAtMs !== undefined) this.#restartAt(nextRestartAtMs);
      return;
    }
    if (cycleAtMs !== undefined) this.#cycleAt(cycleAtMs);
    if (record.doing === 'stopping' || record.doing === 'stopping-unhealthy') {
      if (record.isLaunched) this.#actions.terminate();
      this.#killAt(deadlineMs ?? this.#settings.clock.now());
    } else if (record.doing !== 'nothing') this.#actions.kill();
    else if (record.state === 'starting' && deadlineMs !== undefined) this.#mustBindBy(deadlineMs);
  }

  /** Nothing of it is done any more, and what runs goes on: another process resumes it. */
  leave(): void {
    this.#clearTimer();
    this.#clearCycle();
  }

  start(): void {
    if (this.#alive) return;
    this.#clearTimer();
    this.#nextRestartAtMs = undefined;
    this.#doing = 'nothing';
    this.#then = 'policy';
    [this.#alive, this.#isLaunched] = [true, false];
    this.#become('starting');
    this.#actions.log(`Starting process with command \`${this.#settings.command}\``);
    this.#actions.remember?.();
    this.#actions.launch();
  }

  /** The program runs. */
  launched(): void {
    if (!this.#alive) return;
    this.#isLaunched = true;
    if (this.#doing === 'stopping' || this.#doing === 'stopping-unhealthy') this.#actions.terminate();
    else if (this.#doing === 'killing-late') this.#actions.kill();
    else this.#settle();
    this.#actions.remember?.();
  }

  /** It listens on its port, or is well. */
  bound(): void {
    if (this.#state !== 'starting' || this.#doing !== 'nothing') return;
    this.#clearTimer();
    this.#upSinceMs = this.#settings.clock.now();
    this.#become('up');
    this.#actions.remember?.();
  }

  /** It uses far more memory than it may (R15). */
  overQuota(): void {
    if (!this.#isLaunched || !this.#alive || this.#doing !== 'nothing') return;
    this.#clearTimer();
    this.#kill('killing-over-quota');
  }

  /** The program has ended, or could not be started. */
  ended(death: Death): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#clearTimer();
    this.#clearCycle();
    for (const line of endLines(death)) this.#actions.log(line);
    if (this.#settings.isOneOff === true) {
      this.#become('complete');
      return;
    }
    if (this.#then === 'policy') this.#crash(death);
    else this.#become('down');
    this.#actions.remember?.();
    if (this.#then === 'again') this.start();
  }

  /** Ends what runs, and what waits to be started again. */
  stop(): void {
    this.#end('nothing');
  }

  /** Anew, whatever it does now, and as if it had never crashed. */
  restart(): void {
    this.#crashes = 0;
    if (this.#alive) this.#end('again');
    else this.start();
  }

  #end(then: LifeRecord['then']): void {
    this.#then = then;
    this.#clearCycle();
    if (this.#alive) this.#terminate();
    else {
      this.#clearTimer();
      this.#nextRestartAtMs = undefined;
      if (this.#state === 'crashed') this.#become('down');
    }
    this.#actions.remember?.();
  }

  /** It is not well, as the line says: it is asked to end, which counts as a crash. */
  giveUp(line: string): void {
    if (!this.#alive || this.#doing !== 'nothing') return;
    this.#actions.log(line);
    this.#terminate('stopping-unhealthy');
    this.#actions.remember?.();
  }

  #settle(): void {
    const { clock, bootTimeoutMs, policy, chance, isUpWhenTold = false } = this.#settings;
    const cycleMs = cycleDelayMs(policy, chance());
    if (cycleMs !== undefined) this.#cycleAt(clock.now() + cycleMs);
    if (bootTimeoutMs !== undefined) this.#mustBindBy(clock.now() + bootTimeoutMs);
    else if (!isUpWhenTold) this.bound();
  }

  #cycleAt(timeMs: number): void {
    this.#cycleAtMs = timeMs;
    this.#cancelCycle = this.#at(timeMs, () => {
      this.#actions.log('Cycling');
      this.restart();
    });
  }

  #mustBindBy(timeMs: number): void {
    const { bootTimeoutMs = 0 } = this.#settings;
    this.#deadlineMs = timeMs;
    this.#cancelTimer = this.#at(timeMs, () => {
      const badBind = this.#actions.badBind();
      if (badBind !== undefined) this.#actions.log(badBind);
      this.#actions.log(`Error R10 (Boot timeout) -> Web process failed to bind to $PORT within ${inSeconds(bootTimeoutMs)} of launch`);
      this.#kill('killing-unbound');
    });
  }

  #kill(doing: Doing): void {
    this.#actions.log('Stopping process with SIGKILL');
    this.#doing = doing;
    this.#actions.remember?.();
    this.#actions.kill();
  }

  #terminate(doing: Doing = 'stopping'): void {
    if (this.#doing !== 'nothing') return;
    this.#clearTimer();
    this.#doing = doing;
    const { clock, stopSignal, graceMs } = this.#settings;
    this.#actions.log(`Stopping all processes with ${stopSignal}`);
    // What is still on its way is asked when it is there.
    if (this.#isLaunched) this.#actions.terminate();
    this.#killAt(clock.now() + graceMs);
  }

  #killAt(timeMs: number): void {
    const { stopSignal, graceMs } = this.#settings;
    this.#deadlineMs = timeMs;
    this.#cancelTimer = this.#at(timeMs, () => {
      this.#actions.log(`Error R12 (Exit timeout) -> At least one process failed to exit within ${inSeconds(graceMs)} of ${stopSignal}`);
      this.#actions.log('Stopping remaining processes with SIGKILL');
      this.#doing = 'killing-late';
      this.#actions.remember?.();
      this.#actions.kill();
    });
  }

  #crash(death: Death): void {
    const { clock, policy } = this.#settings;
    const wasUpMs = this.#state === 'up' ? clock.now() - this.#upSinceMs : 0;
    if (policy.resetAfterMs !== undefined && wasUpMs >= policy.resetAfterMs) this.#crashes = 0;
    this.#crashes++;
    const isDone = policy.on !== 'always' && death.code === 0;
    const delayMs = isForGood(death) ? undefined : restartDelayMs(policy, this.#crashes, death.code);
    this.#nextRestartAtMs = delayMs === undefined ? undefined : clock.now() + delayMs;
    this.#become(isDone ? 'complete' : 'crashed');
    if (this.#nextRestartAtMs !== undefined) this.#restartAt(this.#nextRestartAtMs);
  }

  #restartAt(timeMs: number): void {
    this.#nextRestartAtMs = timeMs;
    this.#cancelTimer = this.#at(timeMs, () => {
      this.start();
    });
  }

  #at(timeMs: number, call: () => void): () => void {
    const { clock } = this.#settings;
    return clock.after(Math.max(0, timeMs - clock.now()), call);
  }

  #clearTimer(): void {
    this.#cancelTimer();
    this.#deadlineMs = undefined;
  }

  #clearCycle(): void {
    this.#cancelCycle();
    this.#cycleAtMs = undefined;
  }

  #become(state: DynoState): void {
    const from = this.#state;
    if (from === state) return;
    this.#state = state;
    this.#sinceMs = this.#settings.clock.now();
    this.#actions.log(`State changed from ${from} to ${state}`);
    this.#actions.changed(from, state);
  }
}

function endLines(death: Death): readonly string[] {
  // Heroku names no status of a process that there never was.
  if (death.cause === 'attach-timeout') return ['Error R13 (Attach error) -> Failed to attach to process', 'Process exited'];
  return [...(death.error === undefined ? [] : [failureLine(death)]), `Process exited with status ${death.code}`];
}

/** Heroku says `bash: …: command not found` in the app's name; there is no shell here that would. */
function failureLine({ code, error }: Death): string {
  const message = error?.message ?? '';
  return code === 125 ? `Error R99 (Platform error) -> ${message}` : message;
}

function inSeconds(ms: number): string {
  return ms === 1000 ? '1 second' : `${ms / 1000} seconds`;
}
