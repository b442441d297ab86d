/** `tsrun stats`, `inspect`, `diff`, `update`, `explain` and `doctor` on real containers. What they say is compared with /proc and the cgroup. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CommandLab, refusal } from '../support/command-lab.js';
import { membersOf, readObject, readObjects, type JsonMembers } from '../support/json.js';
import { missing, needs } from '../support/needs.js';
import { mountsOf, namespaceOf, statusOf, type NamespaceKind } from '../support/proc.js';

const lab = new CommandLab();
const rooted = needs('root', 'cgroup2');
const limited = needs('root', 'cgroup2:memory', 'cgroup2:cpu', 'cgroup2:pids');

async function pidOf(id: string): Promise<number> {
  return (await lab.find(id))?.pid ?? 0;
}

async function isolationOf(id: string): Promise<JsonMembers> {
  return readObject((await lab.call(['inspect', '--isolation', '--json', id])).stdout);
}

function listOf(members: JsonMembers, name: string): JsonMembers[] {
  return readObjects(JSON.stringify(members[name]));
}

async function cgroupOf(id: string): Promise<string> {
  return (await lab.find(id))?.record.cgroup ?? '';
}

rooted('stats: one line for each live container, and none for others', async (t) => {
  const [busy, idle, gone] = [await lab.background([], 'while true; do :; done'), await lab.background(), await lab.ended('true')];
  const table = await lab.table(['stats', '--no-stream']);
  t.deepEqual([...table.keys()], ['CONTAINER', ...[busy, idle].sort()]);
  const percent = (id: string) => Number(table.get(id)?.[1]?.replace('%', ''));
  t.true(percent(busy) > 10 && percent(busy) > percent(idle), `${percent(busy)} and ${percent(idle)}`);
  if (missing('cgroup2:memory').length > 0) t.is(table.get(idle)?.[2], '-');
  t.is((await lab.table(['stats', '--no-stream', idle])).size, 2);
  t.is((await lab.call(['stats', '--no-stream', gone])).code, 1);
  const [sample] = readObjects((await lab.call(['stats', '--no-stream', '--json', busy])).stdout);
  t.is(sample?.['id'], busy);
  t.is(typeof sample?.['cpuPercent'], 'number');
  await lab.forget(busy, idle, gone);
});

rooted('stats: goes on until the last of the named has ended', async (t) => {
  const id = await lab.background();
  const heard = { stdout: '', stderr: '' };
  const ended = lab.call(['stats', '--json', id], heard);
  await lab.until('two samples', () => heard.stdout.split('\n').length > 2);
  await lab.kill(id);
  const { code, stdout } = await ended;
  t.is(code, 0);
  t.true(stdout.trimEnd().split('\n').every((line) => readObject(line)['id'] === id));
  await lab.forget(id);
});

limited('stats: memory, limit and processes', async (t) => {
  const id = await lab.background(['-m', '64m']);
  const [sample] = readObjects((await lab.call(['stats', '--no-stream', '--json', id])).stdout);
  t.is(sample?.['memoryLimitBytes'], 64 * 2 ** 20);
  t.true(Number(sample?.['memoryBytes']) > 0 && Number(sample?.['pids']) > 0);
  await lab.forget(id);
});

rooted('inspect: the record, the state, and how it ended', async (t) => {
  const [live, gone] = [await lab.background(['-e', 'A=1', '--label', 'team=a']), await lab.ended('exit 6')];
  const running = readObject((await lab.call(['inspect', live])).stdout);
  t.like(running, { id: live, state: 'running', pid: await pidOf(live), labels: { team: 'a' }, statePath: join(lab.stateRoot, 'containers', live) });
  const process = membersOf(membersOf(membersOf(running['record'])['spec'])['process']);
  t.true(Array.isArray(process['env']) && process['env'].includes('A=1'));
  const ended = readObject((await lab.call(['inspect', gone])).stdout);
  t.like(ended, { state: 'stopped', exit: { code: 6, cause: 'exit' } });
  t.deepEqual(refusal(await lab.call(['inspect', '--isolation', gone])), [1, '', `tsrun: the container '${gone}' has ended`]);
  await lab.forget(live, gone);
});

rooted('inspect --isolation: what the kernel says', async (t) => {
  const id = await lab.background(['-u', '1000:1000', '--ulimit', 'nofile=77:88', '--oom-score-adj', '300']);
  const pid = await pidOf(id);
  const report = await isolationOf(id);
  const status = statusOf(pid);
  t.like(report, { id, pid, state: 'running', noNewPrivileges: true, oomScoreAdj: 300, root: { kind: 'disposable' } });
  for (const { type, inode, sharedWithHost, sharedWith } of listOf(report, 'namespaces')) {
    const kind = kindOf(type);
    t.true(namespaceOf(pid, kind).endsWith(`[${String(inode)}]`), kind);
    t.is(sharedWithHost, namespaceOf(pid, kind) === namespaceOf('self', kind), kind);
    t.deepEqual(sharedWith, [], kind);
  }
  const [start] = readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/).slice(1).map(Number);
  t.like(report['users'], { innerUid: 1000, uid: { effective: (start ?? 0) + 1000 }, uidMap: [{ containerID: 0, hostID: start, size: 65_536 }] });
  t.like(report['seccomp'], { mode: 'filter', filters: Number(status.get('Seccomp_filters')), profile: 'default' });
  t.like(report['capabilities'], { effective: [], ambient: [] });
  t.is(listOf(report, 'mounts').length, mountsOf(pid).length);
  t.deepEqual(listOf(report, 'rlimits').find(({ name }) => name === 'RLIMIT_NOFILE'), { name: 'RLIMIT_NOFILE', soft: '77', hard: '88' });
  t.deepEqual(report['network'], { standing: 'own', interfaces: ['lo'] });
  t.is(membersOf(report['cgroup'])['path'], await cgroupOf(id));
  for (const { path, stands } of listOf(report, 'maskedPaths')) t.is(stands, existsSync(String(path)), String(path));
  await lab.forget(id);
});

function kindOf(type: unknown): NamespaceKind {
  const kinds: readonly NamespaceKind[] = ['user', 'mount', 'pid', 'network', 'ipc', 'uts', 'cgroup', 'time'];
  const kind = kinds.find((each) => each === type);
  if (kind === undefined) throw new Error(`no kind of namespace: ${String(type)}`);
  return kind;
}

rooted('inspect --isolation: a default that is not held is told with the reason', async (t) => {
  const id = await lab.background();
  const cgroup = membersOf((await isolationOf(id))['cgroup']);
  if (missing('cgroup2:pids').length === 0) {
    t.like(cgroup, { limits: { 'pids.max': '1024' }, notHeld: [] });
  } else {
    const [lack] = readObjects(JSON.stringify(cgroup['notHeld']));
    t.is(lack?.['field'], '/linux/resources/pids/limit');
    t.regex(String(lack?.['reason']), /^the controller pids is /);
  }
  t.regex((await lab.call(['inspect', '--isolation', id])).stdout, /^process\n {2}pid +\d+ on the host\n[^]*\nnamespaces\n {2}user +own \(\d+\)\n/);
  await lab.forget(id);
});

rooted('inspect --isolation: who shares a namespace with whom', async (t) => {
  const first = await lab.background(['--userns', 'host']);
  const second = await lab.background(['--userns', 'host', '--ipc', `ns:/proc/${await pidOf(first)}/ns/ipc`, '--network', 'host']);
  const report = await isolationOf(second);
  const namespace = (type: string) => listOf(report, 'namespaces').find((each) => each['type'] === type);
  t.like(namespace('ipc'), { sharedWithHost: false, sharedWith: [first] });
  t.like(namespace('network'), { sharedWithHost: true });
  t.like(namespace('user'), { sharedWithHost: true, sharedWith: [first] });
  t.like(report['network'], { standing: 'host' });
  await lab.forget(first, second);
});

rooted('inspect --diff: only what differs', async (t) => {
  const [plain, alike, open] = [await lab.background(), await lab.background(), await lab.background(['--security-opt', 'no-new-privileges=false', '--cap-drop', 'CHOWN'])];
  t.like(await lab.call(['inspect', '--diff', alike, plain]), { code: 0, stdout: '' });
  const json = readObject((await lab.call(['inspect', '--json', '--diff', open, plain])).stdout);
  t.like(json, { left: plain, right: open });
  t.deepEqual(listOf(json, 'differences').map(({ wall }) => wall), [
    'capabilities: effective', 'capabilities: permitted', 'capabilities: bounding', 'system calls: no_new_privs',
  ]);
  const lines = (await lab.call(['inspect', '--diff', open, plain])).stdout.trimEnd().split('\n').map((line) => line.split(/ {2,}/));
  t.deepEqual(lines[0], ['WALL', plain, open]);
  t.deepEqual(lines.at(-1), ['system calls: no_new_privs', 'on', 'off']);
  t.is((await lab.call(['inspect', '--diff', plain, plain])).code, 125);
  await lab.forget(plain, alike, open);
});

limited('update: only the limits that are named', async (t) => {
  const id = await lab.background(['-m', '64m', '--pids-limit', '50', '--cpus', '1']);
  const cgroup = await cgroupOf(id);
  const file = (name: string) => readFileSync(join(cgroup, name), 'utf8').trim();
  const swap = existsSync(join(cgroup, 'memory.swap.max')) ? file('memory.swap.max') : undefined;
  t.is((await lab.call(['update', '-m', '128m', id])).stdout, `${id}\n`);
  t.deepEqual([file('memory.max'), file('pids.max'), file('cpu.max')], [String(128 * 2 ** 20), '50', '100000 100000']);
  if (swap !== undefined) t.deepEqual([swap, file('memory.swap.max')], [String(64 * 2 ** 20), '0'], 'both together stay at twice of what memory was');
  t.is((await lab.call(['update', '--cpus', '0.5', '--pids-limit', '-1', id])).code, 0);
  t.deepEqual([file('memory.max'), file('pids.max'), file('cpu.max')], [String(128 * 2 ** 20), 'max', '50000 100000']);
  t.like(membersOf((await isolationOf(id))['cgroup']), { limits: { 'memory.max': String(128 * 2 ** 20), 'cpu.max': '50000 100000' } });
  await lab.forget(id);
});

rooted('update: a limit that cannot be held, one that is not allowed, a container that has ended', async (t) => {
  const [live, gone] = [await lab.background(), await lab.ended('true')];
  t.is((await lab.call(['update', '--pids-limit', '-2', live])).code, 125);
  t.deepEqual(refusal(await lab.call(['update', '--pids-limit', '5', gone])), [1, '', `tsrun: the container '${gone}' is not running`]);
  if (missing('cgroup2:memory').length > 0) {
    const { code, stderr } = await lab.call(['update', '-m', '64m', live]);
    t.is(code, 1);
    t.regex(stderr, /^tsrun: the limit .*memory.* needs the cgroup v2 controller 'memory', which is .*\nhint: /);
  }
  await lab.forget(live, gone);
});

rooted('explain names the steps that a start does: what is in the container is what was planned', async (t) => {
  const steps = readObjects((await lab.call(['explain', '--json', '-d', '--hostname', 'planned', '--sysctl', 'net.ipv4.ip_forward=1', lab.image, 'true'])).stdout, 'steps');
  const id = await lab.background(['--hostname', 'planned', '--sysctl', 'net.ipv4.ip_forward=1']);
  const pid = await pidOf(id);
  const targets = steps.filter(({ step }) => step === 'makeMount' || step === 'attachMount').map(({ arguments: words }) => membersOf(words)['target']);
  const points = new Set(mountsOf(pid).map(({ target }) => target));
  t.true(targets.length > 5);
  t.deepEqual(targets.filter((target) => !points.has(String(target))), []);
  t.is((await lab.tsrun(['exec', id, 'sh', '-c', 'hostname; cat /proc/sys/net/ipv4/ip_forward'])).stdout, 'planned\n1\n');
  await lab.forget(id);
});

rooted('explain touches nothing', async (t) => {
  const cgroups = () => ['/sys/fs/cgroup/unified/tsrun', '/sys/fs/cgroup/tsrun'].flatMap((path) => (existsSync(path) ? readdirSync(path) : []));
  const before = cgroups().filter((name) => name.startsWith('run.'));
  t.is((await lab.call(['explain', lab.image, 'true'])).code, 0);
  t.deepEqual(cgroups().filter((name) => name.startsWith('run.')), before);
  t.deepEqual(existsSync(join(lab.stateRoot, 'containers')) ? readdirSync(join(lab.stateRoot, 'containers')) : [], []);
});

rooted('doctor: 0 where a default run works, and each lack with its cost and remedy', async (t) => {
  const { code, stdout } = await lab.call(['doctor']);
  const worked = (await lab.call(['run', '-d', '--rm', '--name', lab.newId(), lab.image, 'true'])).code === 0;
  t.is(code, worked ? 0 : 1, stdout);
  t.regex(stdout, /^yes +native part +/);
  t.is(stdout.match(/^ +costs {2}/gm)?.length, stdout.match(/^(no|partly) /gm)?.length);
  const json = readObject((await lab.call(['doctor', '--json'])).stdout);
  t.is(json['ready'], worked);
  const findings = listOf(json, 'findings');
  t.true(findings.every(({ ok, cost, remedy }) => ok === 'yes' || (typeof cost === 'string' && typeof remedy === 'string')));
  t.is(findings.find(({ topic }) => topic === 'launcher')?.['ok'], 'yes');
});

rooted('doctor: no run works without a folder for runtime state, and none is made', async (t) => {
  for (const folder of ['relative', '/etc/passwd/state']) {
    const { code, stdout } = await lab.shell(`TSRUN_ROOT=${folder} $tsrun doctor`);
    t.is(code, 1, stdout);
    t.regex(stdout, /(TSRUN_ROOT: "relative" is not an absolute path|the folder for runtime state .* cannot be used)/);
    t.is(stdout.match(/^\S+ +state root /gm)?.length, 1);
  }
  await lab.shell(`TSRUN_ROOT=${lab.stateRoot}/not/there $tsrun doctor`);
  t.false(existsSync(join(lab.stateRoot, 'not')));
});

needs('root', 'command:setpriv')('doctor: a root without rights is told what it lacks', async (t) => {
  const { code, stdout } = await lab.shell('setpriv --bounding-set=-all --inh-caps=-all --ambient-caps=-all $tsrun doctor');
  t.is(code, 1);
  t.regex(stdout, /^no +launcher +does not start: /m);
  t.regex(stdout, /^no +CAP_SYS_ADMIN +not held$/m);
  t.regex(stdout, /\na default run fails here because of: launcher, .*CAP_SYS_ADMIN/);
});

needs('root', 'userns', 'overlay')('diff: lines as docker has them, and JSON', async (t) => {
  const id = await lab.background();
  await lab.tsrun(['exec', id, 'sh', '-c', "echo new > /root/file; rm /etc/group; touch \"$(printf '/tmp/a\\033[31m')\""]);
  const said = await lab.call(['diff', id]);
  t.deepEqual([said.code, said.stdout], [0, 'C /etc\nD /etc/group\nC /root\nA /root/file\nC /tmp\nA /tmp/a\\x1b[31m\n'], said.stderr);
  const { stdout } = await lab.call(['diff', '--json', id]);
  t.deepEqual(readObjects(stdout).filter(({ path }) => path === '/root/file'), [{ path: '/root/file', kind: 'added', bytes: 4 }]);
  await lab.forget(id);
  const missing = await lab.call(['diff', id]);
  t.deepEqual([missing.code, missing.stdout], [1, '']);
  t.regex(missing.stderr, /there is no container/);
});

lab.declareLeakTest();
