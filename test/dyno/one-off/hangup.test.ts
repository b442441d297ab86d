import test from 'ava';
import { Hangup } from '../../../src/dyno/one-off/hangup.js';
import { FakeClock } from '../fake-clock.js';

function rig() {
  const clock = new FakeClock();
  const startMs = clock.now();
  const said: string[] = [];
  const say = (what: string) => {
    said.push(`${(clock.now() - startMs) / 1000} ${what}`);
  };
  const hangup = new Hangup(clock, {
    signal: () => {
      say('<SIGHUP>');
    },
    log: say,
  });
  return { clock, said, hangup };
}

const closed = 'Client connection closed. Sending SIGHUP to all processes';

test('B6: SIGHUP three times, five seconds apart, then R16 and no more', (t) => {
  const { clock, said, hangup } = rig();
  hangup.begin();
  clock.advance(100_000);
  t.deepEqual(said, [
    ...['0', '5', '10'].flatMap((second) => [`${second} ${closed}`, `${second} <SIGHUP>`]),
    '15 Error R16 (Detached) -> An attached process is not responding to SIGHUP after its external connection was closed.',
  ]);
  t.is(clock.pending, 0);
});

test('a program that ends, or has a client again, hears no further SIGHUP', (t) => {
  const { clock, said, hangup } = rig();
  hangup.begin();
  clock.advance(5000);
  hangup.end();
  clock.advance(100_000);
  t.is(said.filter((line) => line.endsWith('<SIGHUP>')).length, 2);
  t.is(clock.pending, 0);
});
