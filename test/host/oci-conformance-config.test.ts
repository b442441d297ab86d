// What config.md of the runtime-spec 1.3 says MUST be. Mount options: oci-mounts.test.ts; hooks: oci-hooks.test.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { allNamespaces, baseMounts, mustOf, outputOf, refusalOf, runScript, whileCreated } from '../support/conformance.js';
import { fixture } from '../support/lab.js';
import { ociLab } from '../support/oci-lab.js';

const lab = ociLab();
const must = mustOf('config.md');
const shell = { args: ['true'], cwd: '/', user: { uid: 0, gid: 0 } };

must('Specification version', 'ociVersion is a version', (t) => {
  for (const ociVersion of [undefined, '', 'one', '1.3', 1, '2.0.0']) t.regex(refusalOf(t, lab, { more: { ociVersion } }), /ociVersion/);
  for (const ociVersion of ['1.0.0', '1.0.2-dev', '1.3.0-rc.1+build']) t.is(runScript(lab, 'true', { more: { ociVersion } }).code, 0, ociVersion);
});

must('Root', 'path names a folder that is there', (t) => {
  t.regex(refusalOf(t, lab, { more: { root: undefined } }), /root/);
  t.regex(refusalOf(t, lab, { more: { root: { path: '/no/such' } } }), /rootfs \(\/no\/such\) does not exist/);
  t.regex(refusalOf(t, lab, { more: { root: { path: '/etc/passwd' } } }), /./);
});

must('Root', 'readonly', (t) => {
  t.regex(runScript(lab, 'echo > /file').stderr, /Read-only file system/);
  t.is(outputOf(t, lab, 'grep -c "^[0-9 :]* / / ro" /proc/self/mountinfo || sed -n "s/.* \\/ \\(r.\\).*/\\1/p" /proc/self/mountinfo | head -1', { more: { root: { path: fixture('busybox') } } }).includes('ro'), false);
});

must('Mounts', 'they are mounted in their order', (t) => {
  const mounts = [...baseMounts, { destination: '/tmp', type: 'tmpfs', source: 'first' }, { destination: '/tmp/inner', type: 'tmpfs', source: 'second' }, { destination: '/tmp/inner', type: 'tmpfs', source: 'third' }];
  t.deepEqual(outputOf(t, lab, 'sed -n "s/.* - tmpfs \\(first\\|second\\|third\\) .*/\\1/p" /proc/self/mountinfo', { more: { mounts } }), 'first\nsecond\nthird\n');
});

must('Mounts', 'the table of mounts has them in their order too', (t) => {
  const words = ['private', 'shared', 'slave', 'unbindable', 'runbindable', 'rshared'];
  const binds = [...words.map((word) => ({ destination: `/tmp/${word}`, type: 'bind', source: '/etc', options: ['rbind', word] })), { destination: '/tmp/file', type: 'bind', source: '/etc/passwd', options: ['bind', 'ro'] }];
  const mounts = [...baseMounts, { destination: '/dev/pts', type: 'devpts', source: 'devpts' }, { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' }, ...binds];
  const table = (linux: Readonly<Record<string, unknown>>, path: string) => outputOf(t, lab, 'cat /proc/self/mountinfo', { linux, more: { mounts, root: { path } } }).trim().split('\n').map((line) => line.split(' ')[4]);
  const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const expected = ['/', '/proc', '/dev', '/dev/pts', '/tmp', ...binds.map(({ destination }) => destination)];
  t.deepEqual(table({}, fixture('busybox')), expected);
  t.deepEqual(table({ namespaces: [...allNamespaces, { type: 'user' }], uidMappings: ids, gidMappings: ids }, lab.shiftedRoot()), expected);
});

must('Mounts', 'uidMappings and gidMappings stand together', (t) => {
  const mappings = [{ containerID: 0, hostID: 1000, size: 1 }];
  const bind = { destination: '/x', type: 'bind', source: '/run', options: ['bind'] };
  t.regex(refusalOf(t, lab, { more: { mounts: [{ ...bind, uidMappings: mappings }] } }), /gidMappings/);
  t.regex(refusalOf(t, lab, { more: { mounts: [{ ...bind, gidMappings: mappings }] } }), /uidMappings/);
});

must('Linux mount options', 'idmap and ridmap without any map to take are errors', (t) => {
  for (const options of [['bind', 'idmap'], ['rbind', 'ridmap']]) t.regex(refusalOf(t, lab, { more: { mounts: [...baseMounts, { destination: '/x', source: '/run', options }] } }), /needs uidMappings and gidMappings/);
});

must('Process', 'consoleSize means nothing without a terminal', (t) => {
  t.is(runScript(lab, 'true', { process: { consoleSize: { height: 10, width: 20 } } }).code, 0);
});

must('Process', 'cwd is absolute, args has an entry', (t) => {
  t.regex(refusalOf(t, lab, { process: { cwd: 'etc' } }), /cwd/);
  t.regex(refusalOf(t, lab, { process: { args: [] } }), /args/);
});

must('POSIX process', 'each limit is what getrlimit gives', (t) => {
  const names = ['CPU', 'FSIZE', 'DATA', 'STACK', 'CORE', 'RSS', 'NPROC', 'NOFILE', 'MEMLOCK', 'AS', 'LOCKS', 'SIGPENDING', 'MSGQUEUE', 'NICE', 'RTPRIO', 'RTTIME'];
  const shown: Readonly<Record<string, string>> = { CPU: 'cpu time', FSIZE: 'file size', DATA: 'data size', STACK: 'stack size', CORE: 'core file size', RSS: 'resident set', NPROC: 'processes', NOFILE: 'open files', MEMLOCK: 'locked memory', AS: 'address space', LOCKS: 'file locks', SIGPENDING: 'pending signals', MSGQUEUE: 'msgqueue size', NICE: 'nice priority', RTPRIO: 'realtime priority', RTTIME: 'realtime timeout' };
  const [sizes, none] = [new Set(['DATA', 'STACK', 'AS', 'RSS', 'FSIZE']), new Set(['NICE', 'RTPRIO'])];
  // Those that are 0 as a rule take a right to be raised that not every root has.
  const values = names.map((name, index) => ({ name, soft: none.has(name) ? 0 : (sizes.has(name) ? 100_000_000_000 : 40) + index, hard: none.has(name) ? 0 : (sizes.has(name) ? 200_000_000_000 : 80) + index }));
  whileCreated(t, lab, { process: { rlimits: values.map(({ name, soft, hard }) => ({ type: `RLIMIT_${name}`, soft, hard })) } }, (_id, pid) => {
    const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
    for (const { name, soft, hard } of values) t.regex(limits, new RegExp(`^Max ${shown[name] ?? ''} +${soft} +${hard} `, 'm'), name);
  });
});

must('POSIX process', 'a limit that nobody knows, or twice the same, is an error', (t) => {
  t.regex(refusalOf(t, lab, { process: { rlimits: [{ type: 'RLIMIT_NONE', soft: 1, hard: 1 }] } }), /rlimits/);
  t.regex(refusalOf(t, lab, { process: { rlimits: [1, 2].map((soft) => ({ type: 'RLIMIT_CORE', soft, hard: 3 })) } }), /duplicate/);
});

must('Linux Process', 'a capability that cannot be given is warned of, and the container is made', (t) => {
  const capabilities = ['CAP_KILL', 'CAP_OF_TOMORROW'];
  const log = join(lab.folder, 'warnings');
  const bundle = lab.bundle({ args: ['grep', 'CapBnd', '/proc/self/status'], process: { capabilities: { bounding: capabilities, permitted: capabilities, effective: capabilities } } });
  const answer = lab.call('--log', log, '--log-format', 'json', 'run', '--bundle', bundle, lab.newId());
  t.is(answer.stdout, 'CapBnd:\t0000000000000020\n', answer.stderr);
  t.like(JSON.parse(readFileSync(log, 'utf8')), { level: 'warning', msg: 'ignoring unknown or unavailable capabilities: [CAP_OF_TOMORROW]' });
});

must('Linux Process', 'the same of one that exec adds', (t) => {
  const log = join(lab.folder, 'exec-warnings');
  const id = lab.running();
  const exec = (...caps: string[]) => lab.call('--log', log, '--log-format', 'json', 'exec', ...caps.flatMap((name) => ['--cap', name]), id, 'grep', 'CapEff', '/proc/self/status');
  const { code, stdout, stderr } = exec('CAP_OF_TOMORROW', 'CAP_CHOWN');
  t.deepEqual([code, stdout], [0, 'CapEff:\t0000000020000021\n'], stderr);
  t.like(JSON.parse(readFileSync(log, 'utf8')), { level: 'warning', msg: 'ignoring unknown or unavailable capabilities: [CAP_OF_TOMORROW]' });
  t.is(exec('CAP_OF_TOMORROW').stdout, 'CapEff:\t0000000020000020\n');
  t.is(lab.call('delete', '--force', id).code, 0);
});

must('Linux Process', 'each capability set is what it says', (t) => {
  const sets = { bounding: ['CAP_KILL', 'CAP_CHOWN', 'CAP_SETUID'], permitted: ['CAP_KILL', 'CAP_CHOWN'], effective: ['CAP_KILL'], inheritable: ['CAP_CHOWN'], ambient: ['CAP_CHOWN'] };
  whileCreated(t, lab, { process: { capabilities: sets } }, (_id, pid) => {
    const shown = [...readFileSync(`/proc/${pid}/status`, 'utf8').matchAll(/^Cap(\w+):\t(\w+)$/gm)].map(([, name, mask]) => [name, Number.parseInt(mask ?? '', 16)]);
    t.deepEqual(Object.fromEntries(shown), { Bnd: 0b1010_0001, Prm: 0b10_0001, Eff: 0b10_0000, Inh: 0b1, Amb: 0b1 });
  });
});

must('Linux Process', 'oom_score_adj is what is said, or what it was', (t) => {
  t.is(outputOf(t, lab, 'cat /proc/self/oom_score_adj', { process: { oomScoreAdj: 500 } }), '500\n');
  t.is(outputOf(t, lab, 'cat /proc/self/oom_score_adj'), readFileSync('/proc/self/oom_score_adj', 'utf8'));
});

must('Linux Process', 'no new privileges', (t) => {
  t.is(outputOf(t, lab, 'grep NoNewPrivs /proc/self/status', { process: { noNewPrivileges: true } }), 'NoNewPrivs:\t1\n');
  t.is(outputOf(t, lab, 'grep NoNewPrivs /proc/self/status', { process: { noNewPrivileges: false } }), 'NoNewPrivs:\t0\n');
});

must('User', 'ids, groups and mask', (t) => {
  t.is(outputOf(t, lab, 'id -u; id -g; id -G; umask', { process: { user: { uid: 11, gid: 12, additionalGids: [13, 14], umask: 0o77 } } }), '11\n12\n12 13 14\n0077\n');
});

must('Hostname', 'it is the container\'s', (t) => {
  t.is(outputOf(t, lab, 'hostname', { more: { hostname: 'here' } }), 'here\n');
});

must('Domainname', 'it is the container\'s', (t) => {
  t.is(outputOf(t, lab, 'cat /proc/sys/kernel/domainname', { more: { domainname: 'there' } }), 'there\n');
});

must('POSIX-platform Hooks', 'a path is absolute, a timeout more than nothing', (t) => {
  t.regex(refusalOf(t, lab, { more: { hooks: { prestart: [{ path: 'true' }] } } }), /absolute path/);
  t.regex(refusalOf(t, lab, { more: { hooks: { poststop: [{ path: '/bin/true', timeout: 0 }] } } }), /timeout/);
});

must('Annotations', 'text by text, with a key', (t) => {
  for (const annotations of [{ '': 'x' }, { key: 1 }, ['x'], { key: null }]) t.regex(refusalOf(t, lab, { more: { annotations } }), /annotations/);
  t.is(runScript(lab, 'true', { more: { annotations: { 'com.example.unknown': '', 'org.opencontainers.image.os': 'linux' } } }).code, 0);
});

must('Extensibility', 'what is not known is passed over', (t) => {
  t.is(runScript(lab, 'true', { process: { somethingElse: { a: 1 } }, linux: { ofTomorrow: true }, more: { 'com.example': [1] } }).code, 0);
  const log = join(lab.folder, 'slips.log');
  const id = lab.newId();
  t.is(lab.call('--log', log, 'create', '--bundle', lab.bundle({ more: { Hostname: 'x' }, linux: { maskedPath: ['/x'] } }), id).code, 0);
  t.regex(readFileSync(log, 'utf8'), /ignoring unknown field \/Hostname \(did you mean \\"hostname\\"\?\)/);
  t.regex(readFileSync(log, 'utf8'), /ignoring unknown field \/linux\/maskedPath /);
  // It was told of once; what a later command is given is told of then.
  const [process, mounts, later] = ['process', 'mounts', 'later.log'].map((name) => join(lab.folder, `slips-${name}`));
  if (process === undefined || mounts === undefined || later === undefined) throw new Error('no files');
  writeFileSync(process, JSON.stringify({ args: ['true'], cwd: '/', Env: [] }));
  writeFileSync(mounts, JSON.stringify([{ destination: '/mnt', type: 'tmpfs', source: 'x', option: ['ro'] }]));
  const told = (...words: readonly string[]) => {
    writeFileSync(later, '');
    const answer = lab.call('--log', later, ...words);
    t.is(answer.code, 0, answer.stderr);
    return readFileSync(later, 'utf8').split('\n').flatMap((line) => /unknown field (\S+)/.exec(line)?.[1] ?? []);
  };
  t.deepEqual([told('start', id), told('exec', id, 'true'), told('exec', '--process', process, id), told('mounts', 'add', id, mounts)], [[], [], ['/process/Env'], ['/mounts/0/option']]);
  t.is(lab.call('delete', '--force', id).code, 0);
});

must('Valid values', 'what is not valid, or not supported, is an error', (t) => {
  const bad: readonly Readonly<Record<string, unknown>>[] = [{ process: { ...shell, user: { uid: -1, gid: 0 } } }, { process: { ...shell, args: 'true' } }, { mounts: 'none' }, { root: [] }, { linux: { rootfsPropagation: 'sideways' } }, { windows: {} }];
  for (const more of bad) refusalOf(t, lab, { more });
  const bundle = lab.bundle();
  writeFileSync(join(bundle, 'config.json'), '{"ociVersion":"1.3.0",}');
  t.not(lab.call('create', '--bundle', bundle, lab.newId()).code, 0);
});
