// What the launcher reports of an end, in words.
import test from 'ava';
import { exitStatus } from '../../../src/container/state/exit-status.js';
import type { EventExited } from '../../../src/plan/wire.generated.js';

const sigkill = 9;
const quiet = { op: 'exited', container: 1, startedNs: 0n, endedNs: 1_500_000n, userUs: 1n, systemUs: 2n, maxRssBytes: 4096n } as const;

function ended(status: number, { killed = false, oomKills = 0 } = {}): EventExited {
  return { ...quiet, status, killed, reports: ['memory.events'], contents: [`oom 1\noom_kill ${oomKills}\n`] };
}

test('an exit code is an exit, whatever it is', (t) => {
  t.like(exitStatus(ended(137 << 8, { oomKills: 1 })), { code: 137, cause: 'exit', oomKills: 1, durationMs: 1.5 });
  t.is(exitStatus(ended(0)).signal, undefined);
});

test('a signal is told with its name', (t) => {
  t.like(exitStatus(ended(15)), { code: 143, signal: 'SIGTERM', cause: 'signal' });
  t.like(exitStatus(ended(15, { oomKills: 1 })), { code: 143, cause: 'signal' }, 'nobody dies of memory by SIGTERM');
});

test('of want of memory it is told whether all of it was killed together', (t) => {
  const contents = ['oom_kill 3\noom_group_kill 1\n'];
  t.like(exitStatus({ ...ended(sigkill), contents }), { cause: 'oom', oomKills: 3, oomGroupKills: 1 });
  t.is(exitStatus(ended(sigkill, { oomKills: 1 })).oomGroupKills, 0, 'a kernel that does not count it');
});

test('want of memory is SIGKILL that the kernel counted and nobody asked for', (t) => {
  t.is(exitStatus(ended(sigkill, { oomKills: 1 })).cause, 'oom');
  t.is(exitStatus(ended(sigkill)).cause, 'signal');
  t.is(exitStatus(ended(sigkill, { oomKills: 1, killed: true })).cause, 'signal');
});
