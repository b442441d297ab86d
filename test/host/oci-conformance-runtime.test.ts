// What runtime.md and runtime-linux.md of the runtime-spec 1.3 say MUST be. Hooks: oci-hooks.test.ts.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allNamespaces, baseMounts, mustOf, outputOf, refusalOf, runScript, whileCreated } from '../support/conformance.js';
import { ociLab } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const lab = ociLab();
const must = mustOf('runtime.md');

must('Scope of a Container', 'whoever creates a container can use all operations on it', (t) => {
  const id = lab.running();
  for (const words of [['state', id], ['pause', id], ['resume', id], ['exec', id, 'true'], ['ps', id], ['kill', id, 'KILL'], ['delete', '--force', id]]) t.is(lab.call(...words).code, 0, words.join(' '));
});

must('State', 'the id is unique, and the state has its fields as the schema has them', (t) => {
  whileCreated(t, lab, { more: { annotations: { key: 'value' } } }, (id) => {
    const state = lab.state(id);
    t.like(state, { ociVersion: '1.3.0', id, status: 'created', annotations: { key: 'value' } });
    t.true(Number.isSafeInteger(state['pid']) && Number(state['pid']) > 0);
    t.true(String(state['bundle']).startsWith('/'));
    t.regex(lab.call('create', '--bundle', lab.bundle(), id).stderr, /already exists/);
    t.is(lab.status(id), 'created');
  });
});

must('Lifecycle, 2', 'resources are made and the program is not run', (t) => {
  whileCreated(t, lab, { more: { hostname: 'made-by-create' } }, (id, pid) => {
    t.is(execFileSync('nsenter', ['-t', pid, '-u', 'hostname'], { encoding: 'utf8' }), 'made-by-create\n');
    t.regex(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'), / \/proc /);
    t.is(lab.status(id), 'created');
    t.not(readFileSync(`/proc/${pid}/comm`, 'utf8'), 'sleep\n');
  });
});

must('Lifecycle, 2', 'what cannot be made is an error', (t) => {
  t.regex(refusalOf(t, lab, { more: { mounts: [...baseMounts, { destination: '/x', type: 'bind', source: '/no/such', options: ['bind'] }] } }), /\/no\/such.*no such file/);
  t.regex(refusalOf(t, lab, { more: { mounts: [{ destination: '/x', type: 'nosuchfs' }] } }), /nosuchfs/);
});

must('Lifecycle, 2', 'changes of config.json after create are not seen', (t) => {
  const id = lab.newId();
  const bundle = lab.bundle({ args: ['sh', '-c', 'exit 7'] });
  t.is(lab.call('create', '--bundle', bundle, id).code, 0);
  writeFileSync(join(bundle, 'config.json'), '{"not": "a config"}');
  t.is(lab.call('start', id).code, 0);
  t.is(lab.call('delete', '--force', id).code, 0);
});

must('Lifecycle, 12', 'what create has made is undone', (t) => {
  const id = lab.running();
  const pid = String(lab.state(id)['pid']);
  t.is(lab.call('delete', '--force', id).code, 0);
  t.false(existsSync(`/proc/${pid}/ns/mnt`));
  t.deepEqual(lab.traces(id), []);
});

must('Errors', 'an error leaves everything as if nothing had been tried', (t) => {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8');
  refusalOf(t, lab, { linux: { maskedPaths: ['relative'] } });
  refusalOf(t, lab, { args: ['/no/such/program'] });
  t.is(readFileSync('/proc/self/mountinfo', 'utf8'), mounts);
});

must('Query State', 'without an id, and of none that is there, an error', (t) => {
  t.not(lab.call('state').code, 0);
  t.regex(lab.call('state', 'no-such').stderr, /does not exist/);
});

must('Create', 'without an id, or a bundle, an error', (t) => {
  t.not(lab.call('create', '--bundle', lab.bundle()).code, 0);
  t.not(lab.callWith({ cwd: '/proc/sys' }, 'create', lab.newId()).code, 0);
  t.regex(lab.call('create', '--bundle', '/no/such/bundle', lab.newId()).stderr, /no such file or directory/);
});

must('Create', 'an id that is not valid is an error', (t) => {
  for (const id of ['', '..', 'a/b', 'a b', '\u00e9']) t.not(lab.call('create', '--bundle', lab.bundle(), id).code, 0, id);
});

must('Create', 'all properties but the program are applied', (t) => {
  whileCreated(t, lab, { linux: { sysctl: { 'net.ipv4.ip_forward': '1' } }, process: { oomScoreAdj: 123, rlimits: [{ type: 'RLIMIT_CORE', soft: 1, hard: 2 }] } }, (_id, pid) => {
    t.is(execFileSync('nsenter', ['-t', pid, '-n', 'cat', '/proc/sys/net/ipv4/ip_forward'], { encoding: 'utf8' }), '1\n');
    t.is(readFileSync(`/proc/${pid}/oom_score_adj`, 'utf8'), '123\n');
    t.regex(readFileSync(`/proc/${pid}/limits`, 'utf8'), /Max core file size +1 +2 /);
  });
});

must('Create', 'what cannot be applied is an error, and there is no container', (t) => {
  refusalOf(t, lab, { linux: { sysctl: { 'net.no.such': '1' } } });
  refusalOf(t, lab, { process: { cwd: 'relative' } });
});

must('Start', 'without an id an error', (t) => {
  t.not(lab.call('start').code, 0);
  t.not(lab.call('start', 'no-such').code, 0);
});

must('Start', 'of what is not created: no effect, and an error', async (t) => {
  const id = lab.running();
  const pid = lab.state(id)['pid'];
  t.not(lab.call('start', id).code, 0);
  t.like(lab.state(id), { status: 'running', pid });
  lab.call('kill', id, 'KILL');
  await until(() => lab.status(id) === 'stopped', 'its end');
  t.not(lab.call('start', id).code, 0);
  t.is(lab.status(id), 'stopped');
  lab.call('delete', id);
});

must('Start', 'the program is run as process says; without one there is an error', (t) => {
  t.is(outputOf(t, lab, 'echo "$0 $NAME"; pwd', { process: { env: ['PATH=/bin', 'NAME=value'], cwd: '/etc' } }), 'sh value\n/etc\n');
  refusalOf(t, lab, { more: { process: undefined } });
});

must('Kill', 'without an id, and of what is neither created nor running, an error', async (t) => {
  t.not(lab.call('kill').code, 0);
  t.not(lab.call('kill', 'no-such', 'TERM').code, 0);
  const id = lab.running();
  lab.call('kill', id, 'KILL');
  await until(() => lab.status(id) === 'stopped', 'its end');
  t.regex(lab.call('kill', id, 'TERM').stderr, /not running/);
  lab.call('delete', id);
});

must('Kill', 'the signal reaches the process', async (t) => {
  const id = lab.running({ args: ['sh', '-c', 'trap "exit 5" USR1; while :; do sleep 0.05; done'] });
  await until(() => lab.call('kill', id, 'USR1').code !== 0, 'its end');
  t.is(lab.status(id), 'stopped');
  lab.call('delete', id);
});

must('Delete', 'without an id an error; of what is not stopped no effect, and an error', (t) => {
  t.not(lab.call('delete').code, 0);
  const id = lab.running();
  t.not(lab.call('delete', id).code, 0);
  t.is(lab.status(id), 'running');
  lab.call('delete', '--force', id);
});

must('Delete', 'what the container has not made stays', (t) => {
  const namespaces = join(lab.folder, 'kept-net');
  execFileSync('ip', ['netns', 'add', 'tsrun-kept']);
  mkdirSync(namespaces);
  try {
    const config = { linux: { namespaces: [...allNamespaces.filter(({ type }) => type !== 'network'), { type: 'network', path: '/run/netns/tsrun-kept' }] }, more: { mounts: [...baseMounts, { destination: '/tmp', type: 'bind', source: namespaces, options: ['bind'] }] } };
    t.is(outputOf(t, lab, 'echo kept > /tmp/file; readlink /proc/self/ns/net', config).trim(), execFileSync('ip', ['netns', 'exec', 'tsrun-kept', 'readlink', '/proc/self/ns/net'], { encoding: 'utf8' }).trim());
    t.deepEqual(readdirSync(namespaces), ['file']);
    t.true(existsSync('/run/netns/tsrun-kept'));
  } finally {
    execFileSync('ip', ['netns', 'del', 'tsrun-kept']);
    execFileSync('rm', [join(namespaces, 'file')]);
    rmdirSync(namespaces);
  }
});

const mustLinux = mustOf('runtime-linux.md');

mustLinux('File descriptors', 'only the standard streams are open', (t) => {
  t.is(runScript(lab, 'for n in 0 1 2 3 4 5 6 7 8 9; do (: >&$n) 2>/dev/null && echo $n; done').stdout, '0\n1\n2\n');
});

mustLinux('Dev symbolic links', 'each is there', (t) => {
  t.is(outputOf(t, lab, 'for name in fd stdin stdout stderr; do readlink /dev/$name; done'), '/proc/self/fd\n/proc/self/fd/0\n/proc/self/fd/1\n/proc/self/fd/2\n');
});
