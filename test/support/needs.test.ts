import test from 'ava';
import { missing, needs } from './needs.js';

test('what every host has is not missing, what none has is', (t) => {
  t.deepEqual(missing('file:/proc/self', 'command:sh', 'kernel:5.14'), []);
  t.deepEqual(missing('file:/no/such/file', 'command:no-such-program', 'kernel:99.0', 'cgroup2:no-such-controller', 'lane:no-such-lane'), [
    'file:/no/such/file', 'command:no-such-program', 'kernel:99.0', 'cgroup2:no-such-controller', 'lane:no-such-lane',
  ]);
});

test('a host is bare or a guest, pure or hybrid, never both', (t) => {
  t.is(missing('lane:vm', 'lane:bare').length, 1);
  t.true(missing('cgroup:pure', 'cgroup:hybrid').length >= 1);
});

test('root and capabilities follow the process', (t) => {
  t.is(missing('root').length === 0, process.geteuid?.() === 0);
  t.notThrows(() => missing('capability:CAP_SYS_RESOURCE'));
});

needs('command:sh')('a test whose needs are met runs', (t) => {
  t.pass();
});

needs('root', 'lane:bare')('overlay and user namespaces are there for root on a bare host', (t) => {
  t.deepEqual(missing('overlay', 'userns', 'timens'), []);
});

needs('lane:vm')('a guest holds every limit', (t) => {
  t.deepEqual(missing('root', 'cgroup:pure', 'cgroup2:memory', 'cgroup2:cpu', 'cgroup2:pids', 'cgroup2:io', 'overlay', 'userns', 'capability:CAP_SYS_RESOURCE'), []);
});
