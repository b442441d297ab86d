// tsrun-oci: the life of a container as runtime.md has it, in runc's words.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { ociLab, ociTest, program } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const here = ociTest;
const lab = ociLab();

here('created, running, stopped, deleted', async (t) => {
  const id = lab.newId();
  const bundle = lab.bundle({ args: ['sh', '-c', 'echo hello; trap "exit 3" TERM; while :; do sleep 0.05; done'], more: { annotations: { 'org.example': 'yes' } } });
  const pidFile = join(lab.folder, 'pid');
  const created = lab.call('create', '--bundle', bundle, '--pid-file', pidFile, id);
  t.is(created.code, 0, created.stderr);
  const state = lab.state(id);
  t.like(state, { ociVersion: '1.3.0', id, status: 'created', bundle, annotations: { 'org.example': 'yes' } });
  t.is(readFileSync(pidFile, 'utf8'), String(state['pid']));
  t.is(readFileSync(`/proc/${String(state['pid'])}/cgroup`, 'utf8').trim().endsWith(`/tsrun/${id}`), true);
  t.deepEqual(lab.traces(id).filter((trace) => trace.startsWith('launcher')), []);
  t.is(lab.call('start', id).code, 0);
  t.is(lab.status(id), 'running');
  t.is(lab.call('delete', id).stderr, `cannot delete container ${id} that is not stopped: running\n`);
  t.is(lab.call('kill', id).code, 0);
  // The first process of a pid namespace gets no signal that it does not ask for, and it may not have asked yet.
  await until(() => lab.call('kill', id).stderr === 'container not running\n', 'its end');
  t.is(lab.state(id)['pid'], 0);
  t.is(lab.call('delete', id).code, 0);
  t.deepEqual(lab.traces(id), []);
  t.is(lab.call('state', id).stderr, 'container does not exist\n');
});

here('nothing of the program runs before start, and what is changed after create is not seen', async (t) => {
  const id = lab.newId();
  const bundle = lab.bundle({ args: ['sh', '-c', 'echo first'] });
  const out = lab.call('create', '--bundle', bundle, id);
  t.is(out.code, 0, out.stderr);
  t.is(out.stdout, '');
  writeFileSync(join(bundle, 'config.json'), '{}');
  t.is(lab.status(id), 'created');
  t.is(lab.call('start', id).code, 0);
  await until(() => lab.status(id) === 'stopped', 'its end');
  t.is(lab.call('delete', id).code, 0);
});

here('the streams of create are the program\'s, and are held by nobody else', async (t) => {
  const id = lab.newId();
  const created = lab.call('create', '--bundle', lab.bundle({ args: ['sh', '-c', 'echo out; echo err >&2; sleep 1000'] }), id);
  t.is(created.code, 0);
  const pid = String(lab.state(id)['pid']);
  t.deepEqual(readdirSync(`/proc/${pid}/fd`).slice(0, 3), ['0', '1', '2']);
  lab.call('start', id);
  await until(() => readFileSync(`/proc/${pid}/comm`, 'utf8') === 'sleep\n', 'its program');
  await until(() => existsSync(`/proc/${pid}/fd/1`) && readFileSync(`/proc/${pid}/fd/1`, 'utf8') === 'out\n', 'its output');
  t.is(readFileSync(`/proc/${pid}/fd/2`, 'utf8'), 'err\n');
  t.deepEqual(readdirSync(`/proc/${pid}/fd`).filter((name) => Number(name) > 2 && Number(name) < 10), []);
  t.is(lab.call('delete', '--force', id).code, 0);
  t.deepEqual(lab.traces(id), []);
});

here('what is asked at the wrong time is refused, in runc\'s words', async (t) => {
  const id = lab.running();
  t.is(lab.call('start', id).stderr, 'cannot start an already running container\n');
  t.is(lab.call('create', '--bundle', lab.bundle(), id).stderr, `container with given ID already exists: ${id}\n`);
  t.is(lab.call('resume', id).stderr, 'container not paused\n');
  t.is(lab.call('kill', id, 'KILL').code, 0);
  await until(() => lab.status(id) === 'stopped', 'its end');
  for (const [words, says] of [
    [['kill', id, 'TERM'], 'container not running\n'],
    [['start', id], 'cannot start a container that has stopped\n'],
    [['pause', id], 'container not running or created\n'],
    [['exec', id, 'true'], 'cannot exec in a stopped container\n'],
  ] as const) {
    const answer = lab.call(...words);
    t.is(answer.stderr, says, words.join(' '));
    t.not(answer.code, 0);
  }
  t.is(lab.call('delete', id).code, 0);
  t.is(lab.call('delete', id).stderr, 'container does not exist\n');
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('a created container can be killed and deleted', async (t) => {
  const id = lab.newId();
  t.is(lab.call('create', '--bundle', lab.bundle(), id).code, 0);
  t.is(lab.call('kill', id, '9').code, 0);
  await until(() => lab.status(id) === 'stopped', 'its end');
  t.is(lab.call('delete', id).code, 0);
  const second = lab.newId();
  t.is(lab.call('create', '--bundle', lab.bundle(), second).code, 0);
  t.is(lab.call('delete', second).code, 0);
  t.deepEqual(lab.traces(second), []);
});

here('--root may be a path from where the caller is', (t) => {
  const id = lab.newId();
  const oci = (...words: readonly string[]) => lab.callWith({ cwd: lab.folder }, '--root', 'far/state', ...words);
  const answers = [oci('create', '--bundle', lab.bundle(), id), oci('start', id), oci('exec', id, 'echo', 'inside'), oci('delete', '--force', id)];
  t.deepEqual(answers.map(({ code, stdout, stderr }) => [code, stdout, stderr]), [[0, '', ''], [0, '', ''], [0, 'inside\n', ''], [0, '', '']]);
  t.deepEqual([lab.traces(id), readdirSync(join(lab.folder, 'far/state'))], [[], []]);
});

here('where /proc shows other processes than the caller\'s, nothing is made, and nothing is taken for gone', (t) => {
  const foreign = (...words: readonly string[]) => lab.callWith({ under: ['unshare', '--pid', '--fork'] }, ...words);
  const says = '/proc is not that of this process\'s pid namespace: mount one there (unshare --mount-proc)\n';
  const [id, none] = [lab.running(), lab.newId()];
  for (const words of [['create', '--bundle', lab.bundle(), none], ['state', id], ['delete', id]]) {
    const { code, stderr } = foreign(...words);
    t.deepEqual([code, stderr], [1, says], words[0]);
  }
  t.deepEqual([lab.traces(none), lab.status(id)], [[], 'running']);
  const own = lab.callWith({ under: ['unshare', '--pid', '--fork', '--mount-proc'] }, 'run', '--bundle', lab.bundle({ args: ['echo', 'inside'] }), none);
  t.deepEqual([own.code, own.stdout, own.stderr], [0, 'inside\n', '']);
  lab.remove(t, id);
});

here('no /proc need be mounted in a container', (t) => {
  for (const more of [{ mounts: [] }, { mounts: undefined }]) {
    const id = lab.running({ more });
    t.is(lab.look(id, 'echo /proc/*'), '/proc/*\n');
    lab.remove(t, id);
  }
});

here('ids that are none make nothing', (t) => {
  const bundle = lab.bundle();
  const before = existsSync(lab.root) ? readdirSync(lab.root) : [];
  for (const id of ['', '.', '..', '../x', 'a/b', '/x', 'a b', 'a\nb', 'ü', 'x'.repeat(1025)]) {
    const answer = lab.call('create', '--bundle', bundle, id);
    t.is(answer.code, 1, id);
    t.regex(answer.stderr, /invalid container ID format/, id);
    for (const command of ['state', 'start', 'kill', 'delete']) t.not(lab.call(command, id).code, 0, `${command} ${id}`);
  }
  t.deepEqual(existsSync(lab.root) ? readdirSync(lab.root) : [], before);
});

here('a create that fails leaves nothing, and says what failed', (t) => {
  for (const [config, says] of [
    [{ args: ['/no/such'] }, 'exec: "/no/such": stat /no/such: no such file or directory\n'],
    [{ args: ['nosuch'] }, 'exec: "nosuch": executable file not found in $PATH\n'],
    [{ args: ['/etc/passwd'] }, 'exec: "/etc/passwd": permission denied\n'],
    [{ process: { terminal: true } }, 'cannot allocate tty if runc will detach without setting console socket\n'],
  ] as const) {
    const id = lab.newId();
    const answer = lab.call('create', '--bundle', lab.bundle(config), id);
    t.is(answer.code, 1);
    t.is(answer.stderr, says);
    t.deepEqual(lab.traces(id), []);
  }
  const missing = lab.call('create', '--bundle', lab.folder, lab.newId());
  t.regex(missing.stderr, /JSON specification file .*config\.json not found/);
});

here('what the system refuses is told in the words of Go, with the path', (t) => {
  const bundle = lab.bundle();
  const rows: readonly (readonly [words: readonly string[], says: string])[] = [
    [['create', '--bundle', '/no/such'], 'realpath /no/such: no such file or directory\n'],
    [['create', '--bundle', bundle, '--pid-file', '/no/such'], 'open /no/such: no such file or directory\n'],
    [['create', '--bundle', bundle, '--pidfd-socket', '/no/such'], 'connect /no/such: no such file or directory\n'],
    [['create', '--bundle', lab.bundle({ more: { mounts: [{ destination: '/mnt', type: 'bogus', source: 'x' }] } })], 'makeMount /mnt x (/mounts/0): fsopen: no such device\n'],
    [['create', '--bundle', lab.bundle({ linux: { namespaces: [{ type: 'mount' }, { type: 'time' }], timeOffsets: { monotonic: { secs: -4_000_000_000 } } } })], 'write timens_offsets (/linux/timeOffsets): numerical result out of range\n'],
    // A file system that takes no folders, and a file on the way.
    [['--root', '/proc/none', 'create', '--bundle', bundle], 'mkdir /proc/none: no such file or directory\n'],
    [['--root', '/etc/passwd/state', 'create', '--bundle', bundle], 'mkdir /etc/passwd/state: not a directory\n'],
  ];
  for (const [words, says] of rows) {
    const id = lab.newId();
    const { code, stderr } = lab.call(...words, id);
    t.deepEqual([code, stderr, lab.traces(id)], [1, says, []]);
  }
});

here('errors stand in the log as well, where engines look for them', (t) => {
  const log = join(lab.folder, 'log.json');
  t.is(lab.call('--log', log, '--log-format', 'json', 'state', 'none').code, 1);
  const lines = readFileSync(log, 'utf8').trimEnd().split('\n').map((line): unknown => JSON.parse(line));
  t.like(lines[0], { level: 'error', msg: 'container does not exist' });
  t.is(lines.length, 1);
  const text = join(lab.folder, 'log.txt');
  t.is(lab.call(`--log=${text}`, 'state', 'none').code, 1);
  t.regex(readFileSync(text, 'utf8'), /^time="[-0-9T:]+Z" level=error msg="container does not exist"\n$/);
});

here('an error reaches the log of who does not listen to standard error', (t) => {
  const log = join(lab.folder, 'unheard');
  const words = ['-c', '"$@" 2>&-; echo $?', 'sh', program, '--root', lab.root, '--log', log, '--log-format', 'json', 'start', 'nobody'];
  t.is(spawnSync('sh', words, { encoding: 'utf8' }).stdout, '1\n');
  t.like(JSON.parse(readFileSync(log, 'utf8')), { level: 'error', msg: 'container does not exist' });
});

here('list and ps', (t) => {
  const id = lab.running({ args: ['sh', '-c', 'sleep 1000 & wait'] });
  t.is(lab.call('list', '-q').stdout, `${id}\n`);
  t.like((JSON.parse(lab.call('list', '--format', 'json').stdout) as unknown[])[0], { id, status: 'running' });
  t.regex(lab.call('list').stdout, new RegExp(`^ID +PID +STATUS +BUNDLE +CREATED +OWNER\n${id} +\\d+ +running `));
  const pids: unknown = JSON.parse(lab.call('ps', '--format', 'json', id).stdout);
  t.true(Array.isArray(pids) && pids.length === 2 && pids.includes(lab.state(id)['pid']));
  t.regex(lab.call('ps', id).stdout, /^UID +PID.*CMD\n.*sh -c sleep 1000/);
  t.is(lab.call('delete', '-f', id).code, 0);
  t.is(lab.call('list', '-f', 'json').stdout, 'null\n');
});

here('one that is paused before its start is paused, and can be started when it is resumed', (t) => {
  const id = lab.newId();
  t.is(lab.call('create', '--bundle', lab.bundle(), id).code, 0);
  t.is(lab.call('pause', id).code, 0);
  t.is(lab.status(id), 'paused');
  t.is(lab.call('start', id).stderr, 'cannot start a container in the paused state\n');
  t.is(lab.call('exec', id, 'true').stderr, 'cannot exec in a paused container (use --ignore-paused to override)\n');
  t.is(lab.call('resume', id).code, 0);
  t.is(lab.status(id), 'created');
  t.is(lab.call('start', id).code, 0);
  t.is(lab.status(id), 'running');
  t.is(lab.call('delete', '--force', id).code, 0);
});

here('a paused container stands still, and goes on', async (t) => {
  const id = lab.running({ args: ['sh', '-c', 'while :; do :; done'] });
  const used = () => Number(readFileSync(`/proc/${String(lab.state(id)['pid'])}/stat`, 'utf8').split(') ')[1]?.split(' ')[11]);
  t.is(lab.call('pause', id).code, 0);
  t.is(lab.status(id), 'paused');
  const before = used();
  await new Promise((done) => setTimeout(done, 100));
  t.is(used(), before);
  t.is(lab.call('exec', id, 'true').stderr, 'cannot exec in a paused container (use --ignore-paused to override)\n');
  t.is(lab.call('resume', id).code, 0);
  t.is(lab.status(id), 'running');
  await until(() => used() > before, 'it to go on');
  t.is(lab.call('pause', id).code, 0);
  t.is(lab.call('delete', '--force', id).code, 0);
  t.deepEqual(lab.traces(id), []);
});

here('a create that is killed at any moment is undone by delete --force, and can be made again', async (t) => {
  const bundle = lab.bundle();
  const moments = process.env['TSRUN_LONG'] === '1' ? 200 : 40;
  let killed = 0;
  for (let moment = 0; moment < moments; moment++) {
    const id = lab.newId();
    killed += (await lab.beginAndKill(moment * 0.6, 'create', '--bundle', bundle, id)) ? 1 : 0;
    await until(() => lab.traces(id).every((trace) => !trace.startsWith('launcher')), 'the launcher\'s end');
    t.is(lab.call('delete', '--force', id).code, 0);
    // A launcher that was just being started ends when it sees that nobody is there.
    await until(() => lab.traces(id).length === 0, `${lab.traces(id).join(', ')} to go, after ${moment * 0.6} ms`);
    t.is(lab.call('create', '--bundle', bundle, id).code, 0);
    t.is(lab.call('delete', '--force', id).code, 0);
  }
  t.true(killed > 0);
  t.deepEqual(readdirSync(lab.root).filter((name) => name.startsWith('.')), []);
});
