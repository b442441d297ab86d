// What no test as root can bring about: a caller without CAP_SYS_RESOURCE, ids that nobody maps, file systems of other hosts.
import test from 'ava';
import type { Explanation } from '../../../src/container/failures/failure.js';
import { explainFailure } from '../../../src/container/failures/failures.js';
import { setupError } from '../../../src/container/failures/setup-error.js';
import type { Plan } from '../../../src/plan/plan.js';
import type { Step, StepClone } from '../../../src/plan/wire.generated.js';
import { compile } from '../../plan/support.js';

const context = { syscallName: () => '', readInRoot: () => null };
const plan = (steps: readonly Step[]): Plan => ({ steps: steps.map((step) => ({ step, field: '/x' })), passed: [], handedOver: [], slotCount: 0 });

function explain(step: Step, errno: string, syscall: string, before: readonly Step[] = []): Explanation | undefined {
  return explainFailure({ step, errno, syscall, plan: plan([...before, step]) }, context);
}

const clone: StepClone = {
  op: 'clone', flags: 0, cgroup: null, joins: [], joinKinds: [], midwife: false, timeOffsets: '',
  procFiles: ['uid_map', 'oom_score_adj'], procValues: ['0 0 1', '-500'], survive: false,
};

test('an oom score below the caller\'s', (t) => {
  const { field, message = '', hint = '' } = explain(clone, 'EACCES', 'write') ?? {};
  t.is(field, '/process/oomScoreAdj');
  t.regex(message, /-500.*CAP_SYS_RESOURCE/);
  t.regex(hint, /--oom-score-adj/);
  t.is(explain({ ...clone, procFiles: [], procValues: [] }, 'EACCES', 'write'), undefined);
});

test('clocks and maps', (t) => {
  t.like(explain({ ...clone, timeOffsets: 'monotonic -5 0\nboottime 3 0\n' }, 'ERANGE', 'write'), { field: '/linux/timeOffsets' });
  t.regex(explain({ ...clone, timeOffsets: 'monotonic -5 0\n' }, 'ERANGE', 'write')?.message ?? '', /monotonic -5 seconds/);
  t.like(explain(clone, 'EPERM', 'write'), { field: '/linux/uidMappings' });
  t.is(explain(clone, 'EPERM', 'clone3')?.field, undefined);
});

test('namespaces to join, and terminals in them', (t) => {
  t.regex(explain(clone, 'EINVAL', 'setns')?.message ?? '', /is of another kind/);
  t.regex(explain({ op: 'openNamespace', path: '/proc/5/ns/user', kind: 0x1000_0000, into: 0 }, 'EACCES', 'openat')?.hint ?? '', /start both with --detach/);
  const terminal: Step = { op: 'openTerminal', rows: 0, columns: 0, console: false, uid: 5 };
  for (const [errno, message] of [['EACCES', /no terminal may be opened/], ['EPERM', /cannot be given to this user/], ['ENOENT', /no devpts is mounted/]] as const) {
    t.regex(explain(terminal, errno, 'openat2')?.message ?? '', message);
    t.truthy(explain(terminal, errno, 'openat2')?.hint);
  }
});

test('places that are not there, in a volume or a read-only mount', (t) => {
  const step: Step = { op: 'makeMount', type: 'tmpfs', source: 'tmpfs', options: [], attributes: 0n, target: '/v/sub', follow: true, copyUp: false, likeBelow: false };
  t.regex(explain(step, 'EACCES', 'mkdirat')?.hint ?? '', /idmap/);
  t.regex(explain(step, 'EINVAL', 'openat2')?.message ?? '', /by a link of the image that ends in '\.\.' to where nothing is/);
  t.regex(explain(step, 'EXDEV', 'openat2')?.message ?? '', /by a link of the image into what is mounted elsewhere/);
  t.regex(explain({ op: 'setDirectory', path: '/root', create: true }, 'EACCES', 'fchdir')?.message ?? '', /may not be entered/);
  t.regex(explain({ op: 'setDirectory', path: '/v/new', create: true }, 'EACCES', 'mkdirat')?.message ?? '', /may not make it/);
  t.regex(explain({ op: 'setDirectory', path: '/shut/in', create: false }, 'EACCES', 'openat2')?.message ?? '', /may not be entered/, 'nobody tried to make it');
  t.regex(explain({ op: 'setDirectory', path: '/odd', create: true }, 'EINVAL', 'openat2')?.message ?? '', /a link of the image that it leads by, ends in '\.\.'/);
  t.is(explain({ op: 'setDirectory', path: '/new', create: false }, 'ENOENT', 'openat2')?.code, 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE');
});

test('a hard limit above the caller\'s', (t) => {
  const { message = '', hint = '' } = explain({ op: 'setRlimit', resource: 8, soft: 1, hard: 2n ** 64n - 1n }, 'EPERM', 'prlimit64') ?? {};
  t.regex(message, /^RLIMIT_MEMLOCK: a hard limit of unlimited is above the caller's of (?:\d+|unlimited)$/);
  t.regex(hint, /CAP_SYS_RESOURCE/);
  t.regex(explain({ op: 'setRlimit', resource: 7, soft: 1, hard: 5 }, 'EPERM', 'prlimit64')?.hint ?? '', /fs\.nr_open/);
});

test('ids that the user namespace does not map', (t) => {
  const step: Step = { op: 'setIds', uid: 70_000, gid: 5, setGroups: true, groups: [5, 6] };
  t.regex(explain(step, 'EINVAL', 'setresuid')?.message ?? '', /user 70000 does not exist/);
  t.regex(explain(step, 'EINVAL', 'setgroups')?.message ?? '', /groups 5, 6/);
  t.regex(explain({ ...step, groups: Array<number>(65_536).fill(1) }, 'EINVAL', 'setgroups')?.message ?? '', /^one of 65536 groups does not exist/);
});

test('a folder that cannot be parted from the mounts below it', (t) => {
  const step: Step = { op: 'openTree', path: '/srv', recursive: false, follow: true, into: 3 };
  t.like(explain(step, 'EINVAL', 'open_tree'), { hint: 'choose a folder without mounts below it, or bind all of it: rbind, with rshared or rslave' });
  t.is(explain({ ...step, recursive: true }, 'EINVAL', 'open_tree'), undefined);
});

test('an image that cannot be id-mapped is named with its file system', (t) => {
  const open: Step = { op: 'openTree', path: '/proc', recursive: false, follow: true, into: 3 };
  const step: Step = { op: 'setMount', mount: 3, recursive: true, set: 0n, clear: 0n, propagation: 0n, idMap: 2 };
  t.regex(explain(step, 'EINVAL', 'mount_setattr', [open])?.message ?? '', /^the file system of '\/proc' \(.+\) cannot be id-mapped$/);
  t.is(explain({ ...step, idMap: null }, 'EINVAL', 'mount_setattr', [open]), undefined);
});

test('a name that is taken is about the name', (t) => {
  const { plan: whole } = compile({});
  const step = whole.steps.findIndex((planned) => planned.step.op === 'recordState');
  const { code, message, field } = setupError({ op: 'failed', container: 1, step, syscall: 0, error: 17 }, whole, { ...context, syscallName: () => 'renameat2' });
  t.deepEqual([code, field], ['ERR_TSRUN_EXISTS', '/id']);
  t.regex(message, /^a container of this name exists: '[^']+'$/);
});

test('a kernel without a file system', (t) => {
  t.regex(explain({ op: 'makeMount', type: 'nofs', source: '', options: [], attributes: 0n, target: '/x', follow: false, copyUp: false, likeBelow: false }, 'ENODEV', 'fsopen')?.message ?? '', /'nofs'.*'\/x'/);
  const ofHost: Step = { op: 'makeHostMount', type: 'nofs', source: '/dev/x', data: '', flags: 0n, attributes: 0n, into: 2 };
  t.regex(explain(ofHost, 'ENODEV', 'mount')?.message ?? '', /'nofs'/);
  t.regex(explain(ofHost, 'ENOENT', 'mount')?.message ?? '', /'\/dev\/x'/);
  t.regex(explain(ofHost, 'EPERM', 'mount')?.message ?? '', /'nofs'.*root of the host/);
  t.regex(explain({ ...ofHost, type: 'overlay', data: 'lowerdir=/none' }, 'ENOENT', 'mount')?.message ?? '', /'lowerdir=\/none'/);
  t.is(explain(ofHost, 'EPERM', 'unshare'), undefined);
  t.is(explain({ op: 'makeOverlay', layers: [], folders: [], scratch: 1, byDescriptor: false, dropResource: false, userXattr: false, attributes: 0n, into: 2 }, 'ENODEV', 'fsopen')?.code, 'ERR_TSRUN_HOST');
});

test('a file of the container\'s own for which the image has no place is told of by the option that fills it', (t) => {
  const write = (path: string): Step => ({ op: 'writeFile', path, mode: 0o644, content: new Uint8Array() });
  t.like(explain(write('/etc/hostname'), 'ENOENT', 'openat2'), { field: '/hostname', message: "'/etc/hostname' leads by a link of the image to where nothing is, where a file of the container's own belongs" });
  t.like(explain(write('/etc/hosts'), 'ENOTDIR', 'openat2'), { field: '/addHosts', message: "'/etc/hosts' lies below a file of the image, where a file of the container's own belongs" });
  t.like(explain(write('/etc/resolv.conf'), 'ELOOP', 'openat2'), { field: '/dns', hint: 'mend the image, or mount a file of yours in its place' });
  const cover: Step = { op: 'coverFiles', paths: ['/etc/hostname', '/etc/hosts'], contents: ['', ''], mode: 0o644, options: [] };
  t.regex(explain(cover, 'ENOENT', 'openat2')?.message ?? '', /^one of '\/etc\/hostname', '\/etc\/hosts' leads by a link of the image to where nothing is/);
});
