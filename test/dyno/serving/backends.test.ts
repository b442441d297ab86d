import test from 'ava';
import { absence, isComing, leastLoaded } from '../../../src/dyno/serving/backends.js';
import { refusalLine } from '../../../src/dyno/serving/refusal.js';
import { FakeDyno } from './sockets.js';

const dyno = (state: FakeDyno['state'], prospect: FakeDyno['prospect'], nextRestartAtMs?: number) => {
  const made = new FakeDyno('web.1');
  made.become(state, prospect);
  made.nextRestartAtMs = nextRestartAtMs;
  return made;
};

test('the one with the fewest connections is chosen; of several the one that was not for longest', (t) => {
  const choose = (...loads: { open: number; turn: number }[]) => loads.indexOf(leastLoaded(loads, (load) => load) ?? { open: -1, turn: -1 });
  t.is(choose({ open: 2, turn: 0 }, { open: 1, turn: 9 }, { open: 3, turn: 0 }), 1);
  t.is(choose({ open: 1, turn: 5 }, { open: 1, turn: 4 }, { open: 1, turn: 6 }), 1);
  t.is(choose(), -1);
});

test('one that starts, or is to start in time, is worth waiting for', (t) => {
  t.true(isComing([dyno('starting', 'comes')], 100));
  t.true(isComing([dyno('crashed', 'comes', 100)], 100));
  t.false(isComing([dyno('crashed', 'comes', 101)], 100));
  t.false(isComing([dyno('down', 'none'), dyno('up', 'serves')], 100));
  t.false(isComing([], 100));
});

test('why there is none: a crash, or nobody was to be there; in the words of Heroku', (t) => {
  t.is(absence([dyno('crashed', 'comes', 1e9), dyno('down', 'none')]), 'H10');
  t.is(absence([dyno('down', 'none')]), 'H14');
  t.is(absence([]), 'H14');
  t.is(refusalLine('H10', 'web', '127.0.0.1'), 'at=error code=H10 desc="App crashed" fwd="127.0.0.1" dyno=');
  t.is(refusalLine('H14', 'web', '::1'), 'at=error code=H14 desc="No web processes running" fwd="::1" dyno=');
  t.is(refusalLine('H20', 'web', '::1'), 'at=error code=H20 desc="App boot timeout" fwd="::1" dyno=');
});
