import test from 'ava';
import { exited, Rig } from './life-rig.js';

const hour = 3_600_000;

test('a one-off dyno is complete however it ends, and does not come back', (t) => {
  for (const end of [(rig: Rig) => {
    rig.life.ended(exited(7));
  }, (rig: Rig) => {
    rig.life.stop();
    rig.life.ended(exited(143));
  }, (rig: Rig) => {
    rig.life.restart();
    rig.life.ended(exited(0));
  }]) {
    const rig = new Rig({ isOneOff: true }).up();
    end(rig);
    t.is(rig.life.state, 'complete');
    t.is(rig.clock.pending, 0);
    t.false(rig.take().includes('<launch>'));
  }
});

test('B6: one that nobody attached to is R13, and has no status', (t) => {
  const rig = new Rig({ isOneOff: true });
  rig.life.start();
  rig.take();
  rig.life.ended({ cause: 'attach-timeout', code: 125, oomKills: 0 });
  t.deepEqual(rig.take(), ['Error R13 (Attach error) -> Failed to attach to process', 'Process exited', 'State changed from starting to complete']);
});

test('one with startup checks is up when it is told so, and not when its program runs', (t) => {
  const rig = new Rig({ isUpWhenTold: true });
  rig.life.start();
  rig.life.launched();
  t.is(rig.life.state, 'starting');
  rig.clock.advance(hour);
  t.is(rig.life.state, 'starting');
  rig.life.bound();
  t.is(rig.life.state, 'up');
});

test('one that is not well is asked to end, and killed if it does not: a crash, which is started again', (t) => {
  const rig = new Rig().up();
  rig.life.giveUp('Liveness check failed');
  rig.life.giveUp('Liveness check failed');
  t.is(rig.life.doing, 'stopping-unhealthy');
  t.deepEqual(rig.take(), ['Liveness check failed', 'Stopping all processes with SIGTERM', '<terminate>']);
  rig.clock.advance(30_000);
  t.is(rig.life.doing, 'killing-late');
  rig.life.ended(exited(137));
  t.deepEqual([rig.life.state, rig.life.crashes], ['crashed', 1]);
  rig.clock.advance(0);
  t.is(rig.life.state, 'starting');
});

test('one that is not well and then stopped does not come back', (t) => {
  const rig = new Rig().up();
  rig.life.giveUp('Liveness check failed');
  rig.life.stop();
  rig.life.ended(exited(143));
  t.is(rig.life.state, 'down');
  rig.life.giveUp('too late');
  rig.clock.advance(48 * hour);
  t.is(rig.life.state, 'down');
  t.false(rig.take().includes('too late'));
});

test('each start is an instance of its own, which who goes on with it knows', (t) => {
  const rig = new Rig();
  t.is(rig.life.record.instance, undefined);
  const { instance: first = '' } = rig.up().life.record;
  t.regex(first, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
  const next = new Rig();
  next.life.resume(rig.life.record);
  t.is(next.life.record.instance, first);
  rig.life.ended(exited(0));
  t.is(rig.life.record.instance, first, 'which it was that has ended');
  rig.clock.advance(0);
  t.is(rig.life.state, 'starting');
  t.not(rig.life.record.instance, first);
});
