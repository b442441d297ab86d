import test from 'ava';
import { plainOptions } from '../../../src/dyno/survival/plain-options.js';
import { readDyno, writeDyno } from '../../../src/dyno/survival/saved-dyno.js';
import type { LifeRecord } from '../../../src/dyno/life-record.js';
import { TsrunError } from '../../../src/spec/errors.js';
import { FakeClock } from '../fake-clock.js';

test('what one process has alone is left out: functions, the clock, how the image was got', (t) => {
  const options = {
    name: 'app', survive: true, quantities: { web: 2 }, clock: new FakeClock(), env: { A: 'b' }, port: 80,
    processTypes: { web: { command: 'x', graceMs: 5 } }, container: { user: 'app', pull: 'always', checksum: 'sha256:x', mounts: [{ type: 'tmpfs', destination: '/tmp' }], onWarning: () => undefined },
  } as const;
  t.deepEqual(plainOptions(options), { env: { A: 'b' }, port: 80, processTypes: { web: { command: 'x', graceMs: 5 } }, container: { user: 'app', mounts: [{ type: 'tmpfs', destination: '/tmp' }] } });
});

for (const [what, value] of [['a bigint', 1n], ['bytes', Buffer.from('x')], ['a map', new Map()], ['a symbol', Symbol('x')], ['no number', Number.NaN]] as const) {
  test(`what is no data is refused, and where it stands is said: ${what}`, (t) => {
    const error = t.throws(() => plainOptions({ container: { labels: { 'a/b': value } } as never }), { instanceOf: TsrunError });
    t.is(error.code, 'ERR_TSRUN_INVALID_ARGUMENT');
    t.is(error.field, '/container/labels/a~1b');
  });
}

const life: LifeRecord = { state: 'up', sinceMs: 1.5, doing: 'nothing', alive: true, isLaunched: true, then: 'policy', crashes: 2, upSinceMs: 1.5, cycleAtMs: 9 };

test('a dyno is read as it was written, but for the error that the log has told', (t) => {
  const lastDeath = { cause: 'failed', code: 125, oomKills: 0, error: new TsrunError('ERR_TSRUN_HOST', 'x') } as const;
  const oom = { cause: 'oom', code: 137, oomKills: 2, victim: 'dyno' } as const;
  t.deepEqual(readDyno(writeDyno({ life, lastDeath: oom }))?.lastDeath, oom, 'what memory took is not forgotten');
  t.deepEqual(readDyno(writeDyno({ life, lastDeath, ended: { cause: 'exit', code: 3, oomKills: 0 } })), { life, lastDeath: { cause: 'failed', code: 125, oomKills: 0 }, ended: { cause: 'exit', code: 3, oomKills: 0 } });
});

test('what was not written by this version is nothing', (t) => {
  for (const text of ['', '{', '{}', 'null', JSON.stringify({ life: { ...life, state: 'gone' } }), JSON.stringify({ life, more: 1 }), JSON.stringify({ life, lastDeath: { cause: 'exit' } })]) t.is(readDyno(text), undefined, text);
});
