import test from 'ava';
import { restartPolicies } from '../../src/dyno/restart-policy.js';
import { ChecksumError } from '../../src/image/checksum.js';
import { TsrunError } from '../../src/spec/errors.js';
import { exited, Rig } from './life-rig.js';

const minute = 60_000;
const hour = 60 * minute;

const web = { bootTimeoutMs: minute };
const start = ['Starting process with command `node server.js`', '<launch>'];

test('a worker is up when its program runs', (t) => {
  const rig = new Rig();
  rig.life.start();
  t.is(rig.life.state, 'starting');
  rig.life.launched();
  t.is(rig.life.state, 'up');
  t.deepEqual(rig.take(), ['State changed from provisioning to starting', ...start, 'State changed from starting to up']);
});

test('B1: a web dyno is up when it listens, after 59 s too', (t) => {
  const rig = new Rig(web);
  rig.life.start();
  rig.life.launched();
  rig.clock.advance(59_000);
  t.is(rig.life.state, 'starting');
  rig.life.bound();
  t.is(rig.life.state, 'up');
  rig.clock.advance(hour);
  t.is(rig.life.state, 'up');
  t.false(rig.take().some((line) => line.includes('R10')));
});

test('B1: one that does not listen within 60 s is killed: R10', (t) => {
  const rig = new Rig(web);
  rig.life.start();
  rig.life.launched();
  rig.take();
  rig.clock.advance(59_999);
  t.deepEqual(rig.take(), []);
  rig.clock.advance(1);
  t.deepEqual(rig.take(), ['Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds of launch', 'Stopping process with SIGKILL', '<kill>']);
  t.is(rig.life.doing, 'killing-unbound');
  rig.life.bound();
  t.is(rig.life.state, 'starting', 'too late');
  rig.life.ended(exited(137));
  t.deepEqual(rig.take(), ['Process exited with status 137', 'State changed from starting to crashed']);
});

test('B1: what it listens on instead is told before it is killed: R11', (t) => {
  const rig = new Rig(web);
  rig.badBind = 'Error R11 (Bad bind) -> Process bound to port 3000, should be 5000 (see environment variable PORT)';
  rig.life.start();
  rig.life.launched();
  rig.take();
  rig.clock.advance(minute);
  t.deepEqual(rig.take().slice(0, 2), [rig.badBind, 'Error R10 (Boot timeout) -> Web process failed to bind to $PORT within 60 seconds of launch']);
});

test('the time until it listens begins when the program runs, not before', (t) => {
  const rig = new Rig(web);
  rig.life.start();
  rig.clock.advance(10 * minute);
  rig.life.launched();
  rig.clock.advance(59_000);
  t.is(rig.life.state, 'starting');
});

test('B7: any exit is a crash, 0 as well: restarted at once, then after 10 and 20 minutes', (t) => {
  const rig = new Rig().up();
  rig.life.ended(exited(0));
  t.deepEqual(rig.take(), ['Process exited with status 0', 'State changed from up to crashed']);
  t.is(rig.life.nextRestartAtMs, rig.clock.now());
  rig.clock.advance(0);
  t.deepEqual(rig.take(), ['State changed from crashed to starting', ...start]);
  t.is(rig.life.nextRestartAtMs, undefined);
  for (const minutes of [10, 20]) {
    rig.life.launched();
    rig.life.ended(exited(1));
    rig.take();
    t.is(rig.life.nextRestartAtMs, rig.clock.now() + minutes * minute);
    rig.clock.advance(minutes * minute - 1);
    t.is(rig.life.state, 'crashed');
    rig.clock.advance(1);
    t.is(rig.life.state, 'starting');
  }
});

test('B7: a restart by hand starts at once, and counts anew', (t) => {
  const rig = new Rig().up();
  rig.life.ended(exited(1));
  rig.clock.advance(0);
  rig.life.launched();
  rig.life.ended(exited(1));
  t.is(rig.life.crashes, 2);
  t.is(rig.life.state, 'crashed');
  rig.life.restart();
  t.is(rig.life.state, 'starting');
  rig.life.launched();
  rig.clock.advance(hour);
  t.is(rig.life.state, 'up', 'the restart that was planned is not');
  rig.life.ended(exited(1));
  t.is(rig.life.crashes, 1);
});

test('B7: under docker\'s policy ten seconds of running are a new beginning', (t) => {
  const rig = new Rig({ policy: restartPolicies.docker }).up();
  for (const [upMs, crashes] of [[9999, 1], [9999, 2], [9999, 3], [10_000, 1], [0, 2]] as const) {
    rig.clock.advance(upMs);
    rig.life.ended(exited(1));
    t.is(rig.life.crashes, crashes);
    rig.clock.advance(minute);
    rig.life.launched();
  }
});

test('B7: under fly\'s policy what ends well is complete, and what fails eleven times stays so', (t) => {
  const well = new Rig({ policy: restartPolicies.fly }).up();
  well.life.ended(exited(0));
  t.deepEqual(well.take(), ['Process exited with status 0', 'State changed from up to complete']);
  t.is(well.clock.pending, 0);
  const rig = new Rig({ policy: restartPolicies.fly }).up();
  for (let crash = 1; crash <= 11; crash++) {
    rig.life.ended(exited(1));
    rig.clock.advance(crash === 11 ? hour : 1000);
    rig.life.launched();
  }
  t.is(rig.life.state, 'crashed');
  t.is(rig.life.nextRestartAtMs, undefined);
  t.is(rig.clock.pending, 0);
});

test('B2: what is asked to end goes down, whatever its exit code', (t) => {
  const rig = new Rig().up();
  rig.life.stop();
  t.deepEqual(rig.take(), ['Stopping all processes with SIGTERM', '<terminate>']);
  rig.life.stop();
  t.deepEqual(rig.take(), [], 'once is enough');
  rig.life.ended(exited(143));
  t.deepEqual(rig.take(), ['Process exited with status 143', 'State changed from up to down']);
  t.is(rig.clock.pending, 0);
});

test('B2: what does not end within 30 s is killed: R12', (t) => {
  const rig = new Rig().up();
  rig.life.stop();
  rig.take();
  rig.clock.advance(29_999);
  t.deepEqual(rig.take(), []);
  rig.clock.advance(1);
  t.deepEqual(rig.take(), ['Error R12 (Exit timeout) -> At least one process failed to exit within 30 seconds of SIGTERM', 'Stopping remaining processes with SIGKILL', '<kill>']);
  t.is(rig.life.doing, 'killing-late');
  rig.life.ended(exited(137));
  t.deepEqual(rig.take(), ['Process exited with status 137', 'State changed from up to down']);
});

test('a restart ends the program and starts another', (t) => {
  const rig = new Rig().up();
  rig.life.restart();
  t.deepEqual(rig.take(), ['Stopping all processes with SIGTERM', '<terminate>']);
  rig.life.ended(exited(143));
  t.deepEqual(rig.take(), ['Process exited with status 143', 'State changed from up to down', 'State changed from down to starting', ...start]);
});

test('a stop after a restart that is under way is a stop', (t) => {
  const rig = new Rig().up();
  rig.life.restart();
  rig.life.stop();
  rig.life.ended(exited(143));
  t.is(rig.life.state, 'down');
});

test('what is stopped before its program runs is asked to end when it does', (t) => {
  const rig = new Rig(web);
  rig.life.start();
  rig.take();
  rig.life.stop();
  t.deepEqual(rig.take(), ['Stopping all processes with SIGTERM']);
  rig.life.launched();
  t.deepEqual(rig.take(), ['<terminate>']);
  rig.life.ended(exited(143));
  t.is(rig.life.state, 'down');
  t.is(rig.clock.pending, 0);
});

test('what is stopped while it is killed for not listening does not come back', (t) => {
  const rig = new Rig(web);
  rig.life.start();
  rig.life.launched();
  rig.clock.advance(minute);
  rig.life.stop();
  rig.life.ended(exited(137));
  t.is(rig.life.state, 'down');
  t.is(rig.clock.pending, 0);
});

test('a stop takes a planned restart back', (t) => {
  const rig = new Rig().up();
  rig.life.ended(exited(1));
  rig.clock.advance(0);
  rig.life.launched();
  rig.life.ended(exited(1));
  rig.take();
  rig.life.stop();
  t.deepEqual(rig.take(), ['State changed from crashed to down']);
  t.is(rig.life.nextRestartAtMs, undefined);
  t.is(rig.clock.pending, 0);
});

test('a day of cycling, in no time: each dyno after 24 hours and up to 216 minutes more', (t) => {
  const rig = new Rig({ chance: () => 0.5 }).up();
  rig.clock.advance(24 * hour + 108 * minute - 1);
  t.deepEqual(rig.take(), []);
  rig.clock.advance(1);
  t.deepEqual(rig.take(), ['Cycling', 'Stopping all processes with SIGTERM', '<terminate>']);
  rig.life.ended(exited(143));
  t.is(rig.life.state, 'starting');
});

test('a restart by hand starts the day anew', (t) => {
  const rig = new Rig().up();
  rig.clock.advance(23 * hour);
  rig.life.restart();
  rig.life.ended(exited(143));
  rig.life.launched();
  rig.take();
  rig.clock.advance(23 * hour);
  t.deepEqual(rig.take(), []);
  rig.clock.advance(hour);
  t.is(rig.take()[0], 'Cycling');
});

test('what cannot be started is the runtime\'s fault, R99, or says what program is missing', (t) => {
  const rig = new Rig();
  rig.life.start();
  rig.take();
  rig.life.ended({ cause: 'failed', code: 125, error: new TsrunError('ERR_TSRUN_HOST', 'no cgroup'), oomKills: 0 });
  t.deepEqual(rig.take(), ['Error R99 (Platform error) -> no cgroup', 'Process exited with status 125', 'State changed from starting to crashed']);
  rig.clock.advance(0);
  rig.take();
  rig.life.ended({ cause: 'failed', code: 127, error: new TsrunError('ERR_TSRUN_COMMAND_NOT_FOUND', 'there is no program "x"'), oomKills: 0 });
  t.deepEqual(rig.take().slice(0, 2), ['there is no program "x"', 'Process exited with status 127']);
});

test('a slug that is another one than its checksum says: R17, and no process', (t) => {
  const rig = new Rig();
  const [expected, actual] = ['e'.repeat(64), 'a'.repeat(64)];
  rig.life.start();
  rig.take();
  rig.life.ended({ cause: 'failed', code: 125, error: new ChecksumError("'slug.tgz'", { expected, actual }), oomKills: 0 });
  t.deepEqual(rig.take(), [`Error R17 (Checksum error) -> Checksum does match expected value. Expected: SHA256:${expected} Actual: SHA256:${actual}`, 'State changed from starting to crashed']);
});

test('what no runtime can start any more is not tried again', (t) => {
  for (const code of ['ERR_TSRUN_STATE', 'ERR_TSRUN_LAUNCHER_LOST'] as const) {
    const rig = new Rig();
    rig.life.start();
    rig.life.ended({ cause: 'failed', code: 125, error: new TsrunError(code, 'the runtime is closed'), oomKills: 0 });
    t.is(rig.life.state, 'crashed');
    t.is(rig.life.nextRestartAtMs, undefined);
    t.is(rig.clock.pending, 0);
  }
});

test('connections may go to what is up and was not asked to end, and may wait for what is coming', (t) => {
  const rig = new Rig(web);
  t.is(rig.life.prospect, 'none');
  rig.life.start();
  t.is(rig.life.prospect, 'comes');
  rig.life.launched();
  rig.life.bound();
  t.is(rig.life.prospect, 'serves');
  rig.life.restart();
  t.deepEqual([rig.life.state, rig.life.prospect], ['up', 'comes']);
  rig.life.ended(exited(143));
  rig.life.launched();
  rig.life.bound();
  rig.life.ended(exited(1));
  rig.life.ended(exited(1));
  rig.clock.advance(0);
  t.is(rig.life.prospect, 'comes');
  rig.life.ended(exited(1));
  t.deepEqual([rig.life.state, rig.life.prospect], ['crashed', 'comes'], 'in ten minutes');
  rig.life.stop();
  t.is(rig.life.prospect, 'none');
  const other = new Rig().up();
  other.life.stop();
  t.deepEqual([other.life.state, other.life.prospect], ['up', 'none']);
});
