// Lives that sleep, and those whose day is over.
import test from 'ava';
import { exited, Rig } from './life-rig.js';

const minute = 60_000;
const hour = 60 * minute;

const web = { bootTimeoutMs: minute };
const start = ['Starting process with command `node server.js`', '<launch>'];

test('a dyno that sleeps is down until it is woken, as if it had never crashed; the log says so in the words of Heroku', (t) => {
  const rig = new Rig(web).up();
  rig.life.wake();
  t.deepEqual(rig.take(), []);
  rig.life.sleep();
  rig.life.ended(exited(143));
  t.deepEqual(rig.take(), ['Idling', 'Stopping all processes with SIGTERM', '<terminate>', 'Process exited with status 143', 'State changed from up to down']);
  t.is(rig.life.state, 'idle');
  rig.life.sleep();
  t.is(rig.life.prospect, 'none');
  rig.life.wake();
  t.deepEqual(rig.take(), ['Unidling', 'State changed from down to starting', ...start]);
  t.is(rig.life.prospect, 'comes');
  rig.life.wake();
  t.deepEqual(rig.take(), []);
});

test('one that is woken while it is on its way to sleep starts again when it has ended', (t) => {
  const rig = new Rig(web).up();
  rig.life.sleep();
  rig.take();
  rig.life.wake();
  t.is(rig.life.prospect, 'comes');
  rig.life.ended(exited(143));
  t.deepEqual(rig.take(), ['Unidling', 'Process exited with status 143', 'State changed from up to down', 'State changed from down to starting', ...start]);
});

test('what was stopped does not wake, nor what was restarted while it slept', (t) => {
  for (const end of ['stop', 'restart'] as const) {
    const rig = new Rig(web).up();
    rig.life.sleep();
    rig.life.ended(exited(143));
    rig.life[end]();
    t.is(rig.life.state, end === 'stop' ? 'down' : 'starting');
    t.deepEqual(rig.take().filter((line) => line.startsWith('State') && !line.startsWith('State changed from up') && !line.endsWith('to starting')), [], 'its log has said that it is down');
    rig.life.wake();
    t.deepEqual(rig.take(), [], end);
  }
});

test('one that is replaced when its day is over goes on until it is stopped, and has another day', (t) => {
  const rig = new Rig({ replace: true }).up();
  rig.clock.advance(24 * hour);
  t.deepEqual(rig.take(), ['Cycling', '<replace>']);
  t.is(rig.life.prospect, 'serves');
  rig.clock.advance(24 * hour);
  t.deepEqual(rig.take(), ['Cycling', '<replace>']);
  rig.life.stop();
  rig.life.ended(exited(143));
  rig.clock.advance(48 * hour);
  t.is(rig.clock.pending, 0);
});
