/**
 * The life of a dyno as a state machine: what is done when, and what its log says of it (Dev Center, "Dynos", "Error codes"). It knows a
 * clock and what can be done to a dyno; containers it knows not.
 */
import type { Clock } from './clock.js';
import { isForGood, type Death, type Doing } from './death.js';
import { cycleDelayMs, restartDelayMs, type RestartPolicy } from './restart-policy.js';

/** As Heroku's platform API has them. `complete`: ended, and no policy wants it back. */
export type DynoState = 'provisioning' | 'starting' | 'up' | 'crashed' | 'down' | 'complete';

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
  #doing: Doing = 'nothing';
  /** A program runs, or is on its way. */
  #alive = false;
  #isLaunched = false;
  /** After the end of the program that lives: what the policy says, nothing, or a new one. */
  #then: 'policy' | 'nothing' | 'again' = 'policy';
  #crashes = 0;
  #upSinceMs = 0;
  #nextRestartAtMs: number | undefined;
  #cancelTimer: () => void = () => undefined;
  #cancelCycle: () => void = () => undefined;

  constructor(settings: LifecycleSettings, actions: LifecycleActions) {
    this.#settings = settings;
    this.#actions = actions;
  }

  get state(): DynoState {
    return this.#state;
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

  start(): void {
    if (this.#alive) return;
    this.#cancelTimer();
    this.#nextRestartAtMs = undefined;
    this.#doing = 'nothing';
    this.#then = 'policy';
    [this.#alive, this.#isLaunched] = [true, false];
    this.#become('starting');
    this.#actions.log(`Starting process with command \`${this.#settings.command}\``);
    this.#actions.launch();
  }

  /** The program runs. */
  launched(): void {
    if (!this.#alive) return;
    this.#isLaunched = true;
    if (this.#doing === 'stopping') this.#actions.terminate();
    else if (this.#doing === 'killing-late') this.#actions.kill();
    else this.#settle();
  }

  /** It listens on its port, or is well. */
  bound(): void {
    if (this.#state !== 'starting' || this.#doing !== 'nothing') return;
    this.#cancelTimer();
    this.#upSinceMs = this.#settings.clock.now();
    this.#become('up');
  }

  /** It uses far more memory than it may (R15). */
  overQuota(): void {
    if (!this.#isLaunched || !this.#alive || this.#doing !== 'nothing') return;
    this.#cancelTimer();
    this.#kill('killing-over-quota');
  }

  /** The program has ended, or could not be started. */
  ended(death: Death): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#cancelTimer();
    this.#cancelCycle();
    for (const line of endLines(death)) this.#actions.log(line);
    if (this.#settings.isOneOff === true) {
      this.#become('complete');
      return;
    }
    if (this.#then === 'policy') this.#crash(death);
    else this.#become('down');
    if (this.#then === 'again') this.start();
  }

  /** Ends what runs, and what waits to be started again. */
  stop(): void {
    this.#then = 'nothing';
    this.#cancelCycle();
    if (this.#alive) this.#terminate();
    else {
      this.#cancelTimer();
      this.#nextRestartAtMs = undefined;
      if (this.#state === 'crashed') this.#become('down');
    }
  }

  /** Anew, whatever it does now, and as if it had never crashed. */
  restart(): void {
    this.#crashes = 0;
    if (this.#alive) {
      this.stop();
      this.#then = 'again';
    } else this.start();
  }

  /** It is not well, as the line says: it is asked to end, which counts as a crash. */
  giveUp(line: string): void {
    if (!this.#alive || this.#doing !== 'nothing') return;
    this.#actions.log(line);
    this.#terminate('stopping-unhealthy');
  }

  #settle(): void {
    const { clock, bootTimeoutMs, policy, chance, isUpWhenTold = false } = this.#settings;
    const cycleMs = cycleDelayMs(policy, chance());
    if (cycleMs !== undefined) {
      this.#cancelCycle = clock.after(cycleMs, () => {
        this.#actions.log('Cycling');
        this.restart();
      });
    }
    if (bootTimeoutMs === undefined) {
      if (!isUpWhenTold) this.bound();
      return;
    }
    this.#cancelTimer = clock.after(bootTimeoutMs, () => {
      const badBind = this.#actions.badBind();
      if (badBind !== undefined) this.#actions.log(badBind);
      this.#actions.log(`Error R10 (Boot timeout) -> Web process failed to bind to $PORT within ${inSeconds(bootTimeoutMs)} of launch`);
      this.#kill('killing-unbound');
    });
  }

  #kill(doing: Doing): void {
    this.#actions.log('Stopping process with SIGKILL');
    this.#doing = doing;
    this.#actions.kill();
  }

  #terminate(doing: Doing = 'stopping'): void {
    if (this.#doing !== 'nothing') return;
    this.#cancelTimer();
    this.#doing = doing;
    const { clock, stopSignal, graceMs } = this.#settings;
    this.#actions.log(`Stopping all processes with ${stopSignal}`);
    // What is still on its way is asked when it is there.
    if (this.#isLaunched) this.#actions.terminate();
    this.#cancelTimer = clock.after(graceMs, () => {
      this.#actions.log(`Error R12 (Exit timeout) -> At least one process failed to exit within ${inSeconds(graceMs)} of ${stopSignal}`);
      this.#actions.log('Stopping remaining processes with SIGKILL');
      this.#doing = 'killing-late';
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
    if (delayMs !== undefined) {
      this.#cancelTimer = clock.after(delayMs, () => {
        this.start();
      });
    }
  }

  #become(state: DynoState): void {
    const from = this.#state;
    if (from === state) return;
    this.#state = state;
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
