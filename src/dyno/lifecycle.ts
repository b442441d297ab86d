/**
 * The life of a dyno as a state machine: what is done when, and what its log says of it (Dev Center, "Dynos", "Error codes"). It knows a
 * clock and what can be done to a dyno; containers it knows not.
 */
import { randomUuid } from '../container/state/random.js';
import { Alarm } from './alarm.js';
import type { Death, Doing } from './death.js';
import { bootTimeoutLine, endLines, exitTimeoutLine, loggedState } from './life-lines.js';
import type { DynoState, LifeRecord } from './life-record.js';
import type { LifecycleActions, LifecycleSettings, Prospect } from './life-settings.js';
import { afterCrash, cycleDelayMs } from './restart-policy.js';

export class Lifecycle {
  readonly #settings: LifecycleSettings;
  readonly #actions: LifecycleActions;
  #state: DynoState = 'provisioning';
  #sinceMs: number;
  #doing: Doing = 'nothing';
  /** A program runs, or is on its way. */
  #alive = false;
  #isLaunched = false;
  #isAsleep = false;
  /** After the end of the program that lives: what the policy says, nothing, or a new one. */
  #then: LifeRecord['then'] = 'policy';
  #crashes = 0;
  #starts = 0;
  #instance: string | undefined;
  #upSinceMs = 0;
  readonly #comeback: Alarm;
  readonly #cycling: Alarm;
  /** To listen, or to end. */
  readonly #deadline: Alarm;

  constructor(settings: LifecycleSettings, actions: LifecycleActions) {
    this.#settings = settings;
    this.#actions = actions;
    this.#sinceMs = settings.clock.now();
    [this.#comeback, this.#cycling, this.#deadline] = [new Alarm(settings.clock), new Alarm(settings.clock), new Alarm(settings.clock)];
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
    return this.#comeback.atMs;
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
      state: this.#state, sinceMs: this.#sinceMs, doing: this.#doing, alive: this.#alive, isLaunched: this.#isLaunched, then: this.#then, crashes: this.#crashes, starts: this.#starts, upSinceMs: this.#upSinceMs,
      ...(this.#instance !== undefined && { instance: this.#instance }),
      ...(this.#isAsleep && { isAsleep: true }),
      ...(this.#comeback.atMs !== undefined && { nextRestartAtMs: this.#comeback.atMs }),
      ...(this.#cycling.atMs !== undefined && { cycleAtMs: this.#cycling.atMs }),
      ...(this.#deadline.atMs !== undefined && { deadlineMs: this.#deadline.atMs }),
    };
  }

  /** Goes on where another process stood: what was due meanwhile is done at once, what was being done is done again. */
  resume(record: LifeRecord): void {
    [this.#state, this.#sinceMs, this.#doing, this.#then] = [record.state, record.sinceMs, record.doing, record.then];
    [this.#alive, this.#isLaunched, this.#crashes, this.#upSinceMs] = [record.alive, record.isLaunched, record.crashes, record.upSinceMs];
    [this.#isAsleep, this.#starts, this.#instance] = [record.isAsleep ?? false, record.starts ?? 1, record.instance];
    const { nextRestartAtMs, cycleAtMs, deadlineMs } = record;
    if (!record.alive) {
      // It had ended, and was about to be started again.
      if (record.then === 'again') this.start();
      else if (nextRestartAtMs !== undefined) this.#restartAt(nextRestartAtMs);
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
    for (const alarm of [this.#comeback, this.#cycling, this.#deadline]) alarm.clear();
  }

  /** A program that was asked to end takes no new connection, though it is `up` until it has ended. */
  get prospect(): Prospect {
    if (this.#alive && this.#doing === 'nothing') return this.#state === 'up' ? 'serves' : 'comes';
    return (this.#alive && this.#then === 'again') || this.#comeback.atMs !== undefined ? 'comes' : 'none';
  }

  start(): void {
    if (this.#alive) return;
    this.#isAsleep = false;
    this.#comeback.clear();
    this.#doing = 'nothing';
    this.#then = 'policy';
    [this.#alive, this.#isLaunched, this.#instance] = [true, false, randomUuid()];
    this.#starts++;
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
    this.#deadline.clear();
    this.#upSinceMs = this.#settings.clock.now();
    this.#become('up');
    this.#actions.remember?.();
  }

  /** It uses far more memory than it may (R15). */
  overQuota(): void {
    if (!this.#isLaunched || !this.#alive || this.#doing !== 'nothing') return;
    this.#deadline.clear();
    this.#kill('killing-over-quota');
  }

  /** The program has ended, or could not be started. */
  ended(death: Death): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#deadline.clear();
    this.#cycling.clear();
    for (const line of endLines(death)) this.#actions.log(line);
    if (this.#settings.isOneOff === true) {
      this.#become('complete');
      return;
    }
    if (this.#then === 'policy') this.#crash(death);
    else this.#become(this.#isAsleep && this.#then === 'nothing' ? 'idle' : 'down');
    this.#actions.remember?.();
    if (this.#then === 'again') this.start();
  }

  /** Ends what runs, and what waits to be started again. */
  stop(): void {
    this.#isAsleep = false;
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
    this.#cycling.clear();
    if (this.#alive) {
      this.#terminate();
      return;
    }
    this.#comeback.clear();
    if (this.#state === 'crashed' || this.#state === 'idle') this.#become('down');
    this.#actions.remember?.();
  }

  /** It is not well, as the line says: it is asked to end, which counts as a crash. */
  giveUp(line: string): void {
    if (!this.#alive || this.#doing !== 'nothing') return;
    this.#actions.log(line);
    this.#terminate('stopping-unhealthy');
  }

  /** Ends what is up, until it is woken. */
  sleep(): void {
    if (this.prospect !== 'serves') return;
    this.#actions.log('Idling');
    this.#isAsleep = true;
    this.#end('nothing');
  }

  /** Starts what sleeps, or is on its way to. */
  wake(): void {
    if (!this.#isAsleep) return;
    this.#actions.log('Unidling');
    this.restart();
  }

  #settle(): void {
    const { clock, bootTimeoutMs, isUpWhenTold = false } = this.#settings;
    this.#cycle();
    if (bootTimeoutMs !== undefined) this.#mustBindBy(clock.now() + bootTimeoutMs);
    else if (!isUpWhenTold) this.bound();
  }

  #cycle(): void {
    const { clock, policy, chance } = this.#settings;
    const cycleMs = cycleDelayMs(policy, chance());
    if (cycleMs !== undefined) this.#cycleAt(clock.now() + cycleMs);
  }

  #cycleAt(timeMs: number): void {
    this.#cycling.set(timeMs, () => {
      this.#actions.log('Cycling');
      if (this.#actions.replace === undefined) {
        this.restart();
        return;
      }
      // Who cannot be replaced today may be tomorrow.
      this.#cycle();
      this.#actions.replace();
    });
  }

  #mustBindBy(timeMs: number): void {
    const { bootTimeoutMs = 0 } = this.#settings;
    this.#deadline.set(timeMs, () => {
      this.#actions.tellBadBind();
      this.#actions.log(bootTimeoutLine(bootTimeoutMs));
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
    const isNew = this.#doing === 'nothing';
    if (isNew) {
      const { clock, stopSignal, graceMs } = this.#settings;
      this.#doing = doing;
      this.#actions.log(`Stopping all processes with ${stopSignal}`);
      this.#killAt(clock.now() + graceMs);
    }
    // Before it is done: the next owner must not take the end that comes of it for the program's own.
    this.#actions.remember?.();
    // What is still on its way is asked when it is there.
    if (isNew && this.#isLaunched) this.#actions.terminate();
  }

  #killAt(timeMs: number): void {
    const { stopSignal, graceMs } = this.#settings;
    this.#deadline.set(timeMs, () => {
      this.#actions.log(exitTimeoutLine(graceMs, stopSignal));
      this.#actions.log('Stopping remaining processes with SIGKILL');
      this.#doing = 'killing-late';
      this.#actions.remember?.();
      this.#actions.kill();
    });
  }

  #crash(death: Death): void {
    const { clock, policy } = this.#settings;
    const wasUpMs = this.#state === 'up' ? clock.now() - this.#upSinceMs : 0;
    const { crashes, delayMs, state } = afterCrash(policy, this.#crashes, wasUpMs, death);
    this.#crashes = crashes;
    if (delayMs !== undefined) this.#restartAt(clock.now() + delayMs);
    this.#become(state);
  }

  #restartAt(timeMs: number): void {
    this.#comeback.set(timeMs, () => { this.start(); });
  }

  #become(state: DynoState): void {
    const from = this.#state;
    if (from === state) return;
    this.#state = state;
    this.#sinceMs = this.#settings.clock.now();
    const [before, after] = [loggedState(from), loggedState(state)];
    if (before !== after) this.#actions.log(`State changed from ${before} to ${after}`);
    this.#actions.changed(from, state);
  }
}
