import test from 'ava';
import { Lifecycle } from '../../src/dyno/lifecycle.js';
import { restartPolicies } from '../../src/dyno/restart-policy.js';
import { FakeClock } from './fake-clock.js';

function rig() {
  const clock = new FakeClock();
  const said: string[] = [];
  const say = (what: string) => () => {
    said.push(what);
  };
  const actions = { launch: say('<launch>'), terminate: say('<terminate>'), kill: say('<kill>'), tellBadBind: () => undefined, log: (line: string) => said.push(line), changed: () => undefined };
  const life = new Lifecycle({ clock, policy: restartPolicies.heroku, command: 'true', stopSignal: 'SIGTERM', graceMs: 30_000, chance: () => 0, bootTimeoutMs: 60_000 }, actions);
  life.start();
  return { clock, life, take: () => said.splice(0) };
}

test('R15: who uses far too much is killed once, and has crashed', (t) => {
  const { clock, life, take } = rig();
  life.overQuota();
  t.false(take().includes('<kill>'), 'what does not run yet uses nothing');
  life.launched();
  life.overQuota();
  life.overQuota();
  t.deepEqual(take(), ['Stopping process with SIGKILL', '<kill>']);
  t.is(life.doing, 'killing-over-quota');
  clock.advance(60_000);
  t.deepEqual(take(), [], 'no R10 comes after it');
  life.ended({ cause: 'quota', code: 137, oomKills: 0 });
  t.deepEqual(take().slice(0, 2), ['Process exited with status 137', 'State changed from starting to crashed']);
  life.overQuota();
  t.deepEqual(take(), []);
});

test('R15 is for nobody who is ending anyway', (t) => {
  const { life, take } = rig();
  life.launched();
  life.bound();
  life.stop();
  take();
  life.overQuota();
  t.deepEqual(take(), []);
  t.is(life.doing, 'stopping');
});
