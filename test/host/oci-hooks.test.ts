// Hooks of tsrun-oci: when, where and with what they are run, and what becomes of a container when one fails (runtime.md, "Lifecycle").
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ociLab, ociTest, type Answer } from '../support/oci-lab.js';

const here = ociTest;
const lab = ociLab();

const kinds = ['prestart', 'createRuntime', 'createContainer', 'startContainer', 'poststart', 'poststop'] as const;
type Kind = (typeof kinds)[number];

interface Hook {
  readonly path: string;
  readonly args?: readonly string[];
  readonly env?: readonly string[];
  readonly timeout?: number;
}

function shell(script: string, more: Partial<Hook> = {}): Hook {
  return { path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin'], ...more };
}

/** Of the container's files; the others see the host's. */
function place(kind: Kind): string {
  return kind === 'startContainer' ? '/notes' : lab.folder;
}

const notes = { destination: '/notes', type: 'bind', source: lab.folder, options: ['bind'] };
const mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }, { destination: '/dev', type: 'tmpfs', source: 'tmpfs' }, { destination: '/tmp', type: 'tmpfs', source: 'tmpfs' }, notes];

interface Life {
  readonly create: Answer;
  readonly start: Answer;
  readonly remove: Answer;
  readonly id: string;
}

function live(hooks: Partial<Record<Kind, readonly Hook[]>>, more: Readonly<Record<string, unknown>> = {}, linux: Readonly<Record<string, unknown>> = {}): Life {
  const id = lab.newId();
  const bundle = lab.bundle({ args: ['sh', '-c', 'echo program >> /notes/order; sleep 1000'], linux, more: { hooks, mounts, ...more } });
  const create = lab.call('create', '--bundle', bundle, id);
  const start = lab.call('start', id);
  return { create, start, remove: lab.call('delete', '--force', id), id };
}

function textOf(name: string): string {
  const path = join(lab.folder, name);
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function fresh(...names: readonly string[]): void {
  for (const name of names) writeFileSync(join(lab.folder, name), '');
}

here('each at its time, in its order, with the state and nothing else', (t) => {
  fresh('order', ...kinds);
  const note = (kind: Kind, name: string) => shell(`echo ${name} >> ${place(kind)}/order; exec > ${place(kind)}/${kind}; cat; echo; readlink /proc/self/ns/net; readlink /proc/self/ns/mnt; echo $(for n in 3 4 5 6 7 8 9; do (: >&$n) 2>/dev/null && echo $n; done); env | sort`, { env: ['PATH=/usr/bin:/bin', `NAME=${name}`] });
  const hooks = Object.fromEntries(kinds.map((kind) => [kind, [note(kind, `${kind}-0`), note(kind, kind)]]));
  const { create, start, remove, id } = live(hooks, { annotations: { 'org.example': 'yes' } });
  t.deepEqual([create, start, remove].map(({ code, stderr }) => [code, stderr]), [[0, ''], [0, ''], [0, '']]);
  const order = textOf('order').split('\n').filter((line) => line !== '' && line !== 'program');
  t.deepEqual(order, kinds.flatMap((kind) => [`${kind}-0`, kind]));
  const status: Readonly<Record<Kind, string>> = { prestart: 'created', createRuntime: 'created', createContainer: 'created', startContainer: 'created', poststart: 'running', poststop: 'stopped' };
  for (const kind of kinds) {
    const [json = '', net, mnt, fds, ...env] = textOf(kind).trim().split('\n');
    const state: unknown = JSON.parse(json);
    t.like(state, { ociVersion: '1.3.0', id, status: status[kind], annotations: { 'org.example': 'yes' } }, kind);
    const inside = kind === 'createContainer' || kind === 'startContainer';
    t.is(net !== readlinkSync('/proc/self/ns/net'), inside, kind);
    t.is(mnt !== readlinkSync('/proc/self/ns/mnt'), inside, kind);
    if (inside) t.like(state, { pid: 1 }, kind);
    t.is(fds?.trim(), '', kind);
    t.true(env.includes(`NAME=${kind}`), kind);
    t.deepEqual(env.filter((line) => !/^(?:NAME|PATH|PWD|SHLVL|OLDPWD|_)=/.test(line)), [], kind);
  }
  t.deepEqual(lab.traces(id), []);
});

here('what hooks of create do to the root is seen by the program', (t) => {
  fresh('order', 'seen');
  const id = lab.newId();
  const mount = 'mount -t tmpfs -o size=1m hooked $ROOT/mnt && echo from-hook > $ROOT/mnt/file';
  for (const kind of ['createContainer', 'prestart'] as const) {
    const bundle = lab.bundle({ args: ['sh', '-c', 'cat /mnt/file > /notes/seen; sleep 1000'] });
    const config: unknown = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8'));
    if (typeof config !== 'object' || config === null || !('root' in config)) throw new Error('no config');
    const { path } = config.root as { readonly path: string };
    // One of the runtime's namespaces goes there itself, as runc's callers have always done.
    const script = kind === 'createContainer' ? mount : `pid=$(sed 's/.*"pid":\\([0-9]*\\).*/\\1/'); nsenter -t $pid -m sh -c '${mount}'`;
    const env = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', `ROOT=${path}`];
    writeFileSync(join(bundle, 'config.json'), JSON.stringify({ ...config, mounts, hooks: { [kind]: [shell(script, { env })] } }));
    fresh('seen');
    const ran = lab.call('run', '--detach', '--bundle', bundle, `${id}${kind}`);
    t.is(ran.code, 0, ran.stderr);
    while (textOf('seen') === '') lab.call('state', `${id}${kind}`);
    t.is(textOf('seen'), 'from-hook\n', kind);
    t.is(lab.call('delete', '--force', `${id}${kind}`).code, 0);
    t.false(existsSync(join(path, 'mnt/file')));
  }
});

here('one that fails ends the container, and what comes after the end is called', (t) => {
  for (const kind of kinds.slice(0, 5)) {
    fresh('order');
    const last = kinds.filter((each) => kinds.indexOf(each) > kinds.indexOf(kind));
    const others = Object.fromEntries(last.map((each) => [each, [shell(`echo ${each} >> ${place(each)}/order`)]]));
    const { create, start, id } = live({ ...others, [kind]: [shell('exit 0'), shell('echo why >&2; exit 3'), shell(`echo not-me >> ${place(kind)}/order`)] });
    const failed = kind === 'startContainer' || kind === 'poststart' ? start : create;
    const output = kind === 'createContainer' || kind === 'startContainer' ? '' : ': why';
    t.true(failed.stderr.includes(`error running ${kind} hook #1: exit status 3${output}\n`), failed.stderr);
    t.not(failed.code, 0);
    const ran = textOf('order').split('\n').filter((line) => line !== '');
    t.deepEqual(ran.filter((line) => line !== 'program'), kind === 'startContainer' || kind === 'poststart' ? ['poststop'].filter((each) => last.some((name) => name === each)) : ['poststop'], kind);
    t.is(ran.includes('program') && kind !== 'poststart', false, kind);
    t.deepEqual(lab.traces(id), [], kind);
    t.is(lab.call('state', id).stderr, 'container does not exist\n', kind);
  }
});

here('one after the end that fails is told of, and the next is run', (t) => {
  fresh('order');
  const log = join(lab.folder, 'log');
  const id = lab.newId();
  const bundle = lab.bundle({ more: { hooks: { poststop: [shell('exit 7'), shell(`echo next >> ${lab.folder}/order`)] } } });
  t.is(lab.call('create', '--bundle', bundle, id).code, 0);
  const deleted = lab.call('--log', log, '--log-format', 'json', 'delete', '--force', id);
  t.is(deleted.code, 0);
  t.like(JSON.parse(readFileSync(log, 'utf8')), { level: 'warning', msg: 'error running poststop hook #0: exit status 7' });
  t.is(textOf('order'), 'next\n');
});

here('one that takes too long is killed with what it has started, also what left its session and parent', (t) => {
  for (const kind of ['createRuntime', 'createContainer', 'startContainer'] as const) {
    const mark = `${kind}-${process.pid}`;
    const daemon = `(setsid sh -c "setsid sh -c 'sleep 988; : ${mark}' & sleep 987; : ${mark}" &)`;
    const { create, start } = live({ [kind]: [shell(`sh -c 'sleep 987; : ${mark}' & ${daemon}; sleep 986; : ${mark}`, { timeout: 1 })] });
    const failed = kind === 'startContainer' ? start : create;
    t.regex(failed.stderr, new RegExp(`error running ${kind} hook #0: context deadline exceeded`), kind);
    t.is(lab.processesNamed(mark), 0, kind);
  }
});

here('one that ends in time leaves what it has started', (t) => {
  const mark = `left-${process.pid}`;
  const { create } = live({ createRuntime: [shell(`(setsid sh -c 'sleep 5; : ${mark}' >/dev/null 2>&1 &)`, { timeout: 60 })] });
  t.is(create.code, 0, create.stderr);
  t.is(lab.processesNamed(mark), 1);
});

here('one that is not there, or no program, says so', (t) => {
  for (const kind of ['prestart', 'createContainer', 'startContainer'] as const) {
    const { create, start } = live({ [kind]: [{ path: '/no/such/hook' }] });
    t.regex(`${create.stderr}${start.stderr}`, new RegExp(`error running ${kind} hook #0: .*no such file or directory`), kind);
  }
});

here('in a user namespace too', (t) => {
  fresh('order');
  const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network', 'cgroup', 'user'].map((type) => ({ type }));
  const hooks = Object.fromEntries(kinds.map((kind) => [kind, [shell('exit 0')]]));
  const { create, start, remove } = live({ ...hooks, createContainer: [shell('test "$(id -u)" = 0 && mount -t tmpfs none /mnt && ls /')] }, { root: { path: lab.shiftedRoot() } }, { namespaces, uidMappings: ids, gidMappings: ids });
  t.deepEqual([create, start, remove].map(({ code, stderr }) => [code, stderr]), [[0, ''], [0, ''], [0, '']]);
});

here('a program that cannot be executed after all is told of by start', (t) => {
  const id = lab.newId();
  writeFileSync(join(lab.folder, 'vanishes'), '#!/no/such/interpreter\n', { mode: 0o755 });
  const bundle = lab.bundle({ args: ['/notes/vanishes'], more: { mounts } });
  t.is(lab.call('create', '--bundle', bundle, id).code, 0);
  t.is(lab.call('start', id).stderr, 'execve: no such file or directory\n');
  t.is(lab.call('delete', '--force', id).code, 0);
  for (const flags of [[], ['--detach']]) {
    t.is(lab.call('run', ...flags, '--bundle', bundle, id).stderr, 'execve: no such file or directory\n');
    t.deepEqual(lab.traces(id), []);
  }
});

here('a frozen container cannot be started', (t) => {
  const id = lab.newId();
  t.is(lab.call('create', '--bundle', lab.bundle(), id).code, 0);
  t.is(lab.call('pause', id).code, 0);
  t.is(lab.call('start', id).stderr, 'cannot start a container in the paused state\n');
  t.is(lab.call('resume', id).code, 0);
  t.is(lab.call('delete', '--force', id).code, 0);
});
