// crun's annotations `run.oci.*`: what is done for them, and what is refused.
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { cgroupRoot, needs } from '../support/needs.js';
import { ociLab, ociTest } from '../support/oci-lab.js';

const here = ociTest;
const lab = ociLab();
const callers = ['setpriv', '--groups', '1234,5678'];

function groupsOf(status: string): string | undefined {
  return /^Groups:\t(.*?) ?$/m.exec(status)?.[1];
}

here('keep_original_groups: the program has the caller\'s groups, and so has who is executed later', (t) => {
  for (const [value, groups] of [['1', '1234 5678'], ['0', '7'], [undefined, '7']] as const) {
    const annotations = value === undefined ? {} : { 'run.oci.keep_original_groups': value };
    const process = { user: { uid: 1000, gid: 1000, additionalGids: [7] } };
    const id = lab.newId();
    const bundle = lab.bundle({ args: ['sh', '-c', 'grep Groups: /proc/self/status; exec sleep 1000'], process, more: { annotations } });
    const ran = lab.callWith({ under: callers }, 'create', '--bundle', bundle, id);
    t.is(ran.code, 0, ran.stderr);
    t.is(lab.call('start', id).code, 0);
    t.is(groupsOf(lab.callWith({ under: callers }, 'exec', id, 'cat', '/proc/1/status').stdout), groups);
    t.is(groupsOf(lab.callWith({ under: callers }, 'exec', id, 'cat', '/proc/self/status').stdout), groups);
    t.is(lab.call('delete', '--force', id).code, 0);
  }
});

here('seccomp_fail_unknown_syscall: a call that nobody knows is an error, where it would be passed over', (t) => {
  const seccomp = { defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names: ['no_such_call'], action: 'SCMP_ACT_ALLOW' }] };
  const permissive = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['no_such_call'], action: 'SCMP_ACT_LOG' }] };
  const runWith = (profile: object, annotations: Readonly<Record<string, string>>) =>
    lab.call('run', '--bundle', lab.bundle({ args: ['true'], linux: { seccomp: profile }, more: { annotations } }), lab.newId());
  t.is(runWith(permissive, {}).stderr, '');
  t.is(runWith(permissive, { 'run.oci.seccomp_fail_unknown_syscall': '0' }).code, 0);
  const denying = { ...permissive, syscalls: [{ names: ['no_such_call'], action: 'SCMP_ACT_ERRNO' }] };
  t.is(runWith(denying, {}).code, 0);
  for (const profile of [permissive, seccomp, denying]) {
    const { code, stderr } = runWith(profile, { 'run.oci.seccomp_fail_unknown_syscall': '1' });
    t.is(code, 1);
    t.regex(stderr, /no_such_call/);
  }
});

here('what somebody counts on and is not done is refused, with the reason', (t) => {
  for (const [name, says] of [['handler', /a container here is a process/], ['seccomp_bpf_data', /linux\.seccomp alone/], ['seccomp.plugins', /listenerPath/]] as const) {
    const id = lab.newId();
    const { code, stderr } = lab.call('create', '--bundle', lab.bundle({ more: { annotations: { [`run.oci.${name}`]: 'krun' } } }), id);
    t.is(code, 1);
    t.true(stderr.startsWith(`annotation run.oci.${name} is not done: `), stderr);
    t.regex(stderr, says);
    t.deepEqual(lab.traces(id), []);
  }
  for (const name of ['', 'inner']) t.is(lab.call('run', '--bundle', lab.bundle({ args: ['true'], more: { annotations: { 'run.oci.systemd.subgroup': name } } }), lab.newId()).stderr, '', 'it is systemd\'s alone');
});

const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;
const printing = Object.fromEntries(kinds.map((kind) => [kind, [{ path: '/bin/sh', args: ['sh', '-c', `echo ${kind}; echo ${kind} failed >&2`], env: ['PATH=/usr/bin:/bin'] }]]));

here('hooks.stdout and hooks.stderr: what hooks print, whoever runs them, is added to files', (t) => {
  const [out, err] = [join(lab.folder, 'hooks-out'), join(lab.folder, 'hooks-err')];
  writeFileSync(out, 'before\n');
  const annotations = { 'run.oci.hooks.stdout': out, 'run.oci.hooks.stderr': err };
  const id = lab.newId();
  const create = lab.call('create', '--bundle', lab.bundle({ args: ['sh', '-c', 'echo program; exec sleep 1000'], process: { user: { uid: 1000, gid: 1000 } }, more: { annotations, hooks: printing } }), id);
  const start = lab.call('start', id);
  const remove = lab.call('delete', '--force', id);
  t.deepEqual([create, start, remove].map(({ code, stderr }) => [code, stderr]), [[0, ''], [0, ''], [0, '']]);
  t.is(start.stdout + remove.stdout, '');
  t.is(readFileSync(out, 'utf8'), ['before', ...kinds].map((line) => `${line}\n`).join(''));
  t.is(readFileSync(err, 'utf8'), kinds.map((kind) => `${kind} failed\n`).join(''));
  t.deepEqual(lab.traces(id), []);
});

here('hooks.stdout alone: the other stream stays where it was, and a path is from the bundle', (t) => {
  const id = lab.newId();
  const bundle = lab.bundle({ args: ['true'], more: { annotations: { 'run.oci.hooks.stdout': 'of-hooks' }, hooks: { createContainer: printing['createContainer'], prestart: [{ path: '/bin/sh', args: ['sh', '-c', 'echo said; echo wrong >&2; exit 3'] }] } } });
  const { code, stderr } = lab.call('create', '--bundle', bundle, id);
  t.is(code, 1);
  t.is(stderr, 'error running prestart hook #0: exit status 3: wrong\n');
  t.is(readFileSync(join(bundle, 'of-hooks'), 'utf8'), 'said\n');
  const inner = lab.newId();
  const answer = lab.call('run', '--bundle', lab.bundle({ args: ['echo', 'program'], more: { annotations: { 'run.oci.hooks.stdout': join(bundle, 'of-hooks') }, hooks: { createContainer: printing['createContainer'] } } }), inner);
  t.deepEqual([answer.stdout, answer.stderr], ['program\n', 'createContainer failed\n']);
  t.is(readFileSync(join(bundle, 'of-hooks'), 'utf8'), 'said\ncreateContainer\n');
});

here('hooks.stdout where no file can be: nothing is made; without hooks no file is', (t) => {
  const id = lab.newId();
  const missing = join(lab.folder, 'no/such/folder');
  for (const hooks of [{ createContainer: printing['createContainer'] }, { prestart: printing['prestart'] }]) {
    const { code, stderr } = lab.call('create', '--bundle', lab.bundle({ more: { annotations: { 'run.oci.hooks.stderr': missing }, hooks } }), id);
    t.is(code, 1);
    t.is(stderr, `annotation run.oci.hooks.stderr: open ${missing}: no such file or directory\n`);
    t.deepEqual(lab.traces(id), []);
  }
  const unused = join(lab.folder, 'unused');
  t.is(lab.call('run', '--bundle', lab.bundle({ args: ['true'], more: { annotations: { 'run.oci.hooks.stdout': unused } } }), id).code, 0);
  t.false(existsSync(unused));
});

const tree = cgroupRoot() ?? '';

function cgroupOf(pid: unknown): string {
  return /^0::(.*)$/m.exec(readFileSync(`/proc/${String(pid)}/cgroup`, 'utf8'))?.[1] ?? '';
}

here('delegate-cgroup: processes live in a cgroup of the container\'s own, below the one that limits them', (t) => {
  const annotations = { 'run.oci.delegate-cgroup': 'inner' };
  const id = lab.running({ args: ['sh', '-c', 'cat /proc/self/cgroup; exec sleep 1000'], process: { user: { uid: 1000, gid: 1000 } }, linux: { resources: { unified: { 'cgroup.max.depth': '4' } } }, more: { annotations } });
  const own = cgroupOf(lab.state(id)['pid']);
  t.true(own.endsWith(`/${id}/inner`), own);
  const outer = join(tree, own, '..');
  t.deepEqual([outer, join(outer, 'cgroup.procs'), join(tree, own), join(tree, own, 'cgroup.procs')].map((path) => statSync(path).uid), [0, 0, 1000, 1000]);
  t.is(readFileSync(join(outer, 'cgroup.subtree_control'), 'utf8'), readFileSync(join(outer, 'cgroup.controllers'), 'utf8'));
  t.is(readFileSync(join(outer, 'cgroup.max.depth'), 'utf8'), '4\n');
  // The root of its cgroup namespace is the one above, and a further process is born beside the first.
  t.is(lab.call('exec', id, 'grep', '-h', '^0', '/proc/1/cgroup', '/proc/self/cgroup').stdout, '0::/inner\n0::/inner\n');
  t.is(lab.call('ps', '--format', 'json', id).stdout.trim(), JSON.stringify([lab.state(id)['pid']]));
  for (const [command, status] of [['pause', 'paused'], ['resume', 'running']] as const) {
    t.is(lab.call(command, id).code, 0);
    t.is(lab.status(id), status);
  }
  t.is(lab.call('kill', '--all', id, 'KILL').code, 0);
  t.is(lab.call('delete', '--force', id).code, 0);
  t.deepEqual(lab.traces(id), []);
  t.false(existsSync(outer));
});

needs('root', 'cgroup2:memory')('delegate-cgroup: limits are those of the container, and controllers the program\'s to use', (t) => {
  const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network', 'cgroup', 'user'].map((type) => ({ type }));
  const mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }, { destination: '/sys/fs/cgroup', type: 'cgroup', source: 'cgroup', options: ['rw'] }];
  const linux = { namespaces, uidMappings: ids, gidMappings: ids, resources: { memory: { limit: 64 * 2 ** 20 } } };
  const id = lab.running({ linux, more: { root: { path: lab.shiftedRoot() }, mounts, annotations: { 'run.oci.delegate-cgroup': 'inner' } } });
  const script = 'cd /sys/fs/cgroup; cat memory.max; mkdir inner/a && echo 0 > inner/a/cgroup.procs && cat /proc/self/cgroup; echo max > memory.max; echo 1048576 > inner/memory.max';
  const { stdout, stderr } = lab.call('exec', id, 'sh', '-c', script);
  t.is(stdout, `${64 * 2 ** 20}\n0::/inner/a\n`, stderr);
  t.is(stderr.trim().split('\n').length, 2, stderr);
  t.is(lab.call('update', '--memory', '32M', id).code, 0);
  t.is(lab.call('exec', id, 'cat', '/sys/fs/cgroup/memory.max').stdout, `${32 * 2 ** 20}\n`);
  t.is(lab.call('delete', '--force', id).code, 0);
  t.deepEqual(lab.traces(id), []);
});

here('delegate-cgroup: what is no name of one cgroup is refused before anything is made', (t) => {
  for (const name of ['.', '..', 'a/b', '/', '../a']) {
    const id = lab.newId();
    const { code, stderr } = lab.call('create', '--bundle', lab.bundle({ more: { annotations: { 'run.oci.delegate-cgroup': name } } }), id);
    t.is(code, 1);
    t.is(stderr, `annotation run.oci.delegate-cgroup: ${JSON.stringify(name)} is not the name of one cgroup\n`);
    t.deepEqual(lab.traces(id), []);
  }
  const none = lab.newId();
  t.regex(lab.call('--cgroup-manager', 'disabled', 'create', '--bundle', lab.bundle({ more: { annotations: { 'run.oci.delegate-cgroup': 'a' } } }), none).stderr, /delegate-cgroup: the container has no cgroup/);
  t.deepEqual(lab.traces(none), []);
  t.is(lab.call('run', '--bundle', lab.bundle({ args: ['true'], more: { annotations: { 'run.oci.delegate-cgroup': '' } } }), none).stderr, '');
});
