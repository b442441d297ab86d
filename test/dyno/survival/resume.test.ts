import test from 'ava';
import type { Death } from '../../../src/dyno/death.js';
import { lifeRecord, type LifeRecord } from '../../../src/dyno/life-record.js';
import type { LifecycleSettings } from '../../../src/dyno/life-settings.js';
import { Lifecycle } from '../../../src/dyno/lifecycle.js';
import { restartPolicies } from '../../../src/dyno/restart-policy.js';
import { assertShape } from '../../../src/spec/shape.js';
import { FakeClock } from '../fake-clock.js';

const minute = 60_000;
const hour = 60 * minute;
const crash: Death = { cause: 'exit', code: 1, oomKills: 0 };

/** A life whose owner may be killed: the next one knows what was remembered last. */
class Rig {
  readonly clock = new FakeClock();
  readonly #settings: Partial<LifecycleSettings>;
  life: Lifecycle;
  said: string[] = [];
  #remembered: LifeRecord[] = [];
  /** What the next owner would have known when the stop signal was sent. */
  knownAtSignal: LifeRecord | undefined;

  constructor(settings: Partial<LifecycleSettings> = {}) {
    this.#settings = settings;
    this.life = this.#make();
  }

  #make(): Lifecycle {
    let isOwner = true;
    const clock = { now: this.clock.now, after: (delayMs: number, call: () => void) => this.clock.after(delayMs, () => { if (isOwner) call(); }) };
    const say = (what: string) => { if (isOwner) this.said.push(what); };
    const life: Lifecycle = new Lifecycle({ clock, policy: restartPolicies.heroku, command: 'job', stopSignal: 'SIGTERM', graceMs: 30_000, chance: () => 0, ...this.#settings }, {
      launch: () => { say('<launch>'); },
      terminate: () => {
        this.knownAtSignal = this.#remembered.at(-1);
        say('<terminate>');
      },
      kill: () => { say('<kill>'); },
      tellBadBind: () => undefined,
      log: say,
      changed: () => undefined,
      remember: () => { this.#remembered.push(life.record); },
    });
    this.#disown = () => { isOwner = false; };
    return life;
  }

  #disown: () => void = () => undefined;

  /** By way of JSON, as it is written down. @param missed so many of the last records were not written any more */
  next(awayMs = 0, missed = 0): this {
    this.#disown();
    const record: unknown = JSON.parse(JSON.stringify(this.#remembered.at(-1 - missed)));
    assertShape(lifeRecord, record, 'ERR_TSRUN_STATE', 'record');
    this.clock.advance(awayMs);
    this.said = [];
    this.life = this.#make();
    this.life.resume(record);
    return this;
  }

  launched(): this {
    this.life.start();
    this.life.launched();
    return this;
  }
}

test('what was up is up, since when it was, and its restart policy counts on', (t) => {
  const rig = new Rig().launched();
  rig.life.ended(crash);
  rig.clock.advance(0);
  rig.life.launched();
  const { sinceMs } = rig.life;
  rig.next(hour);
  t.deepEqual([rig.life.state, rig.life.sinceMs, rig.life.crashes, rig.life.record.starts], ['up', sinceMs, 1, 2]);
  t.deepEqual(rig.said, []);
  rig.life.ended(crash);
  t.is(rig.life.crashes, 2);
  t.is(rig.life.nextRestartAtMs, rig.clock.now() + 10 * minute);
});

test('a day of being up counts from before: the policy begins anew', (t) => {
  const rig = new Rig({ policy: { ...restartPolicies.heroku, resetAfterMs: 2 * hour } }).launched();
  rig.life.ended(crash);
  rig.clock.advance(0);
  rig.life.launched();
  rig.clock.advance(hour);
  rig.next(hour);
  rig.life.ended(crash);
  t.is(rig.life.crashes, 1);
});

test('a restart that was due is done at once, and one that is not yet when it is', (t) => {
  const rig = new Rig().launched();
  rig.life.ended(crash);
  rig.clock.advance(0);
  rig.life.launched();
  rig.life.ended(crash);
  const dueMs = rig.life.nextRestartAtMs;
  rig.next(4 * minute);
  t.is(rig.life.nextRestartAtMs, dueMs);
  rig.clock.advance(6 * minute - 1);
  t.deepEqual(rig.said, []);
  rig.next(5 * minute);
  rig.clock.advance(0);
  t.deepEqual(rig.said, ['State changed from crashed to starting', 'Starting process with command `job`', '<launch>']);
});

test('the time to listen goes on', (t) => {
  const rig = new Rig({ bootTimeoutMs: minute }).launched();
  rig.clock.advance(20_000);
  rig.next(30_000);
  rig.clock.advance(9999);
  t.deepEqual(rig.said, []);
  rig.clock.advance(1);
  t.true(rig.said[0]?.startsWith('Error R10'));
  t.is(rig.said.at(-1), '<kill>');
  rig.next();
  t.deepEqual(rig.said, ['<kill>'], 'once more: nobody knows whether it was');
});

test('a stop that was begun is gone on with, and its grace with it', (t) => {
  const rig = new Rig().launched();
  rig.life.stop();
  rig.clock.advance(10_000);
  rig.next(10_000);
  t.deepEqual(rig.said, ['<terminate>']);
  t.is(rig.life.doing, 'stopping');
  rig.clock.advance(10_000);
  t.true(rig.said[1]?.startsWith('Error R12'));
  rig.life.ended({ ...crash, cause: 'stop-timeout' });
  t.is(rig.life.state, 'down');
  t.is(rig.clock.pending, 0);
});

test('a restart that was begun ends with a start', (t) => {
  const rig = new Rig().launched();
  rig.life.restart();
  rig.next();
  rig.life.ended({ ...crash, cause: 'stop' });
  t.is(rig.said.at(-1), '<launch>');
});

test('so does one whose owner was killed between the end and the start', (t) => {
  const rig = new Rig().launched();
  rig.life.restart();
  rig.life.ended({ ...crash, cause: 'stop' });
  rig.next(0, 1);
  t.deepEqual(rig.said, ['State changed from down to starting', 'Starting process with command `job`', '<launch>']);
  t.is(rig.life.record.then, 'policy');
});

test('what is done to a program is known before it is done: its end is not taken for its own', (t) => {
  for (const [act, then] of [['stop', 'nothing'], ['restart', 'again'], ['sleep', 'nothing']] as const) {
    const rig = new Rig().launched();
    rig.life[act]();
    t.like(rig.knownAtSignal, { doing: 'stopping', then, deadlineMs: rig.clock.now() + 30_000, ...(act === 'sleep' && { isAsleep: true }) }, act);
  }
  const rig = new Rig().launched();
  rig.life.giveUp('It is not well');
  t.like(rig.knownAtSignal, { doing: 'stopping-unhealthy', then: 'policy' });
});

test('it is cycled when it would have been', (t) => {
  const rig = new Rig().launched();
  rig.clock.advance(20 * hour);
  rig.next(3 * hour);
  rig.clock.advance(hour - 1);
  t.deepEqual(rig.said, []);
  rig.clock.advance(1);
  t.is(rig.said[0], 'Cycling');
});

test('one that is left does nothing any more', (t) => {
  const rig = new Rig({ bootTimeoutMs: minute }).launched();
  rig.life.leave();
  t.is(rig.clock.pending, 0);
});

test('what waits for its launch is known before it is launched', (t) => {
  const rig = new Rig();
  rig.life.start();
  rig.next();
  t.like(rig.life.record, { state: 'starting', alive: true, isLaunched: false });
  rig.life.launched();
  t.is(rig.life.state, 'up');
});
