import test from 'ava';
import { lostStatus, type ExitCause, type ExitStatus } from '../../src/container/state/exit-status.js';
import { deathOf, type DeathCause, type Doing } from '../../src/dyno/death.js';

function status(cause: ExitCause, more: Partial<ExitStatus> = {}): ExitStatus {
  return { ...lostStatus(), cause, code: cause === 'exit' ? 3 : 137, ...(cause !== 'exit' && { signal: 'SIGKILL' }), ...more };
}

test('causes of death, from how it ended and what was done to it', (t) => {
  const rows: [status: ExitStatus, doing: Doing, cause: DeathCause][] = [
    [status('exit'), 'nothing', 'exit'],
    [status('exit', { oomKills: 1 }), 'nothing', 'exit'],
    [status('signal'), 'nothing', 'signal'],
    [status('oom', { oomKills: 1 }), 'nothing', 'oom'],
    [status('exit'), 'stopping', 'stop'],
    [status('signal'), 'killing-late', 'stop-timeout'],
    [status('signal'), 'killing-unbound', 'boot-timeout'],
    [status('signal', { oomKills: 1 }), 'killing-over-quota', 'quota'],
    [status('lost'), 'killing-over-quota', 'lost'],
  ];
  for (const [ended, doing, cause] of rows) t.is(deathOf(ended, doing).cause, cause, `${ended.cause} ${doing}`);
});

test('of want of memory it is told whom it took', (t) => {
  t.like(deathOf(status('oom', { oomKills: 4, oomGroupKills: 1 }), 'nothing'), { victim: 'dyno', oomKills: 4 });
  t.like(deathOf(status('oom', { oomKills: 1 }), 'nothing'), { victim: 'program', oomKills: 1 });
  t.false('victim' in deathOf(status('exit', { oomKills: 1, oomGroupKills: 1 }), 'nothing'));
});
