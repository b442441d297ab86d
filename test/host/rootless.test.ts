// An ordinary user with subordinate ids: what works without root, what does not and says so, and that nothing is left.
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import type { RunOptions } from '../../src/index.js';
import { endCgroup, makeCgroup } from '../support/cgroup-tree.js';
import { Lab } from '../support/lab.js';
import { inLongForm, missing, needs } from '../support/needs.js';
import { answers, sharedWith, statusFields, statusOf } from '../support/proc.js';
import { UserLab, userNeeds } from '../support/user-lab.js';
import type { Order, Reply } from '../support/user-program.js';

const lab = new Lab();
const users = new UserLab(lab);
const { user, ask, said } = users;
const here = needs(...userNeeds);

const run = (options: RunOptions): Order => ({ do: 'run', options });
const sh = (script: string, options: RunOptions = {}): Order => run({ command: ['sh', '-c', script], ...options });
const server: RunOptions = { command: ['sh', '-c', 'mkdir /www; echo from inside >/www/page; exec httpd -f -p 8080 -h /www'] };
const idle: RunOptions = { command: ['sleep', '1000'], stdout: 'ignore', stderr: 'ignore' };

here('root of the container is the user, and the other ids are the user\'s subordinate ones', async (t) => {
  const [ids, maps, app] = await said(sh('id -u; id -g; stat -c "%u:%g" / /etc /home/app'), sh('cat /proc/self/uid_map /proc/self/gid_map'), sh('touch /home/app/x && stat -c "%u:%g" /home/app/x', { user: 'app' }));
  t.is(ids, '0\n0\n0:0\n0:0\n1000:1000\n');
  t.deepEqual(maps?.trim().split('\n').map((line) => line.trim().split(/\s+/).map(Number)), Array(2).fill([[0, 0, 1], [1, 1, 65_535]]).flat());
  t.is(app, '1000:1000\n');
  for (const [name, inner] of [['0', 0], ['app', 1000]] as const) {
    const { child, reply } = await user().begin([{ do: 'hold', options: { ...idle, user: name } }]);
    const fields = statusOf(reply.pid ?? 0);
    t.is(fields.get('Uid')?.split('\t')[0], String(user().outerUid(inner)));
    t.is(fields.get('Gid')?.split('\t')[0], String(user().outerGid(inner)));
    t.deepEqual(sharedWith(reply.pid ?? 0), ['time'], 'all other namespaces are its own');
    child.kill('SIGKILL');
  }
});

here('the walls are those of root\'s containers', async (t) => {
  const [status] = await said(sh('cat /proc/self/status'));
  const fields = statusFields(status ?? '');
  t.is(fields.get('NoNewPrivs'), '1');
  t.is(fields.get('Seccomp'), '2');
  t.deepEqual([fields.get('CapEff'), fields.get('CapBnd')], Array(2).fill('00000000000405fb'));
  const [denied, mounted] = await said(run({ command: ['ask-kernel', 'mount-tmpfs', 'unshare-user', 'set-uid-0'] }), sh('mount -t tmpfs none /mnt && stat -f -c %T /mnt', { privileged: true }));
  t.deepEqual([...answers(denied ?? '')].filter(([, errno]) => errno !== 'EPERM'), [['set-uid-0', 'ok']]);
  t.is(mounted, 'tmpfs\n');
  const [interfaces, secret] = await said(sh('ls /sys/class/net'), sh('cat /shadow', { mounts: [{ type: 'bind', source: '/etc/shadow', destination: '/shadow' }] }));
  t.is(interfaces, 'lo\n');
  t.regex(secret ?? '', /Permission denied/);
});

here('the root is disposable, writable or read-only', async (t) => {
  const { image } = user();
  const [disposable, readonly, writable] = await said(
    sh('touch /new /home/app/new && rm /etc/group && echo changed >/etc/passwd && cat /etc/passwd'),
    sh('touch /new', { root: 'read-only' }),
    sh('touch /kept /kept-by-app; chown 1000:1000 /kept-by-app; stat -c %u /kept /kept-by-app', { root: 'writable' }),
  );
  t.is(disposable, 'changed\n');
  t.false(existsSync(join(image, 'new')));
  t.true(existsSync(join(image, 'etc/group')));
  t.regex(readonly ?? '', /Read-only file system/);
  t.is(writable, '0\n1000\n');
  t.is(statSync(join(image, 'kept')).uid, user().outerUid(0));
  t.is(statSync(join(image, 'kept-by-app')).uid, user().outerUid(1000));
});

here('folders of the image are removed and replaced in a disposable root, or a warning says that this kernel cannot', async (t) => {
  const replace = 'rm -r /etc && mkdir /etc && ls /etc && mv /home /house && ls /house';
  const [plain, strict] = await ask(sh(replace), sh('true', { strict: true, landlock: false, pids: -1 }));
  const lacks = plain?.warnings?.filter((warning) => warning.includes('folders of the image')) ?? [];
  if (missing('kernel:6.6').length === 0) {
    t.is(plain?.said, 'app\n');
    t.deepEqual(lacks, []);
    t.is(strict?.status?.code, 0);
  } else {
    t.regex(plain?.said ?? '', /Input\/output error/);
    t.deepEqual(lacks, [`folders of the image cannot be removed or replaced in a disposable root: for an ordinary user that needs Linux 6.6, and this is ${release()}`]);
    t.like(strict?.error, { code: 'ERR_TSRUN_HOST', message: lacks[0] });
  }
});

here('clocks, names, parameters, the reaper and shared namespaces', async (t) => {
  const [clock, name, parameter, reaped] = await said(
    sh('cut -d. -f1 /proc/uptime', { timeOffsets: { boottime: 1_000_000_000 } }),
    sh('hostname', { hostname: 'of-a-user' }),
    sh('cat /proc/sys/net/ipv4/ip_unprivileged_port_start /proc/sys/net/ipv4/ping_group_range', { sysctls: { 'net.ipv4.ip_unprivileged_port_start': '7' } }),
    sh('cat /proc/1/comm; sleep 0.1 & true', { init: true }),
  );
  t.true(Number(clock) > 1_000_000_000, clock);
  t.is(name, 'of-a-user\n');
  t.is(parameter, '7\n0\t65535\n');
  t.is(reaped, 'tsrun-init\n');
  const shared = await ask(...(['pid', 'ipc', 'uts', 'user', 'cgroup'] as const).map((kind) => sh('true', { namespaces: { [kind]: 'host' } })), sh('true', { network: 'host' }));
  t.deepEqual(shared.map(({ status, error }) => error?.message ?? status?.code), Array(6).fill(0));
});

here('mounts of another of the user\'s containers are joined, and the host\'s cannot be shared', async (t) => {
  t.deepEqual(await said({ do: 'beside', options: idle }), ['0 /made\nbeside\n']);
  const [refused] = await ask(sh('true', { namespaces: { mount: 'host' } }));
  t.like(refused?.error, { code: 'ERR_TSRUN_HOST', hint: 'run as root, or give the container a mount namespace' });
});

here('an id that is not mapped is refused, with the last one that is', async (t) => {
  const [high] = await ask(sh('true', { user: '65536' }));
  t.like(high?.error, { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  t.regex(high?.error?.message ?? '', /user 65536 does not exist in the container, whose ids end at 65535/);
});

here('programs are executed in a container, on a terminal too, and a server is reached', async (t) => {
  const [executed, terminal, answer] = await said({ do: 'exec', options: idle }, { do: 'terminal', options: idle }, { do: 'connect', options: server });
  t.is(executed, '0\nsleep\n');
  t.regex(terminal ?? '', /got typed\r\n40 120\r\n\/dev\/pts\/\d\r\n/);
  t.regex(answer ?? '', /200 OK[^]*from inside\n$/);
});

here('a server is reached in the host\'s network too, which no ordinary user may join', async (t) => {
  const [answer] = await said({ do: 'connect', options: { ...server, network: 'host' } });
  t.regex(answer ?? '', /200 OK[^]*from inside\n$/);
});

here('a limit that nobody delegated is refused, the default one is a warning; nor is there pause', async (t) => {
  const [memory, pids, strict, plain, pause, stats] = await ask(sh('true', { memory: '64m' }), sh('true', { pids: 5 }), sh('true', { strict: true, root: 'writable', landlock: false }), sh('true'), { do: 'pause', options: idle }, { do: 'stats', options: idle });
  for (const [reply, controller] of [[memory, 'memory'], [pids, 'pids'], [strict, 'pids']] as const) {
    t.is(reply?.error?.code, 'ERR_TSRUN_LIMIT_UNAVAILABLE');
    t.regex(reply?.error?.message ?? '', new RegExp(`needs the cgroup v2 controller '${controller}', which is (on cgroup v1|not handed down)`));
    t.not(reply?.error?.hint, '');
  }
  t.is(plain?.status?.code, 0);
  t.regex(plain?.warnings?.join() ?? '', /the default pids limit is not held/);
  for (const reply of [pause, stats]) t.regex(`${reply?.error?.message ?? ''} ${reply?.error?.hint ?? ''}`, /has no cgroup .*tsrun doctor/);
});

here('without subordinate ids, or without newuidmap, the error says what to do', async (t) => {
  const [without] = await user().ask([sh('true')], { subordinate: false });
  t.deepEqual(without?.error, {
    code: 'ERR_TSRUN_HOST',
    message: 'the user \'tsrun-test\' has no subordinate ids in \'/etc/subuid\'',
    hint: 'as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 tsrun-test',
  });
  const [helpless] = await user().ask([sh('true')], { path: '/nowhere' });
  t.is(helpless?.error?.code, 'ERR_TSRUN_HOST');
  t.regex(`${helpless?.error?.message ?? ''}: ${helpless?.error?.hint ?? ''}`, /newuidmap .*uidmap/);
  t.deepEqual(await user().leftovers(), []);
});

here('SIGKILL of the user\'s process leaves nothing', async (t) => {
  const { child } = await user().begin([{ do: 'hold', options: { command: ['sh', '-c', 'sleep 1000 & setsid sleep 1000 & exec sleep 1000'], stdout: 'ignore', init: true } }]);
  t.true((await user().leftovers(0)).length >= 5, 'it was there');
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  t.deepEqual(await user().leftovers(), []);
});

here('a container outlives the user\'s process when it shall, and the next process takes it over', async (t) => {
  const { child, reply } = await user().begin([{ do: 'hold', options: { ...idle, id: 'lasting', survive: true } }]);
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
  const [adopted] = await ask({ do: 'adopt', id: 'lasting' });
  t.is(adopted?.pid, reply.pid);
  t.like(adopted?.status, { code: 137, cause: 'signal' });
  t.deepEqual(await user().leftovers(), []);
});

let cgroups = 0;

/** A cgroup that the user gets, with what the host can hand down to it. */
async function delegated(body: (path: string, controllers: readonly string[]) => Promise<void>): Promise<void> {
  const path = makeCgroup(`user-${cgroups++}`);
  try {
    await body(path, words(join(path, 'cgroup.controllers')));
  } finally {
    // The launcher ends a moment after the user's process, and takes its socket away.
    await user().leftovers();
    await endCgroup(path);
  }
}

function words(path: string): string[] {
  return readFileSync(path, 'utf8').trim().split(' ').filter((word) => word !== '');
}

needs(...userNeeds, 'cgroup2')('alone in a delegated cgroup, the process makes room and hands all controllers down', async (t) => {
  await delegated(async (path, controllers) => {
    const cgroup = path.slice(path.indexOf('/tsrun-test-'));
    const [first, pause, stats] = await user().ask([sh('cat /proc/self/cgroup'), { do: 'pause', options: idle }, { do: 'stats', options: idle }], { cgroup: path });
    t.is(first?.cgroup, `${cgroup}/tsrun-supervisor`);
    t.is(first?.said?.includes('0::/\n'), true);
    t.is(pause?.said, 'paused and resumed');
    t.regex(stats?.said ?? '', /"usageUs":\d+/);
    t.deepEqual(words(join(path, 'tsrun/cgroup.subtree_control')).sort(), [...controllers].sort());
    t.deepEqual(readdirSync(path).filter((name) => statSync(join(path, name)).isDirectory()).sort(), ['tsrun', 'tsrun-supervisor']);
    // The next one finds itself where the first one went, and its containers beside those of the first.
    const [second] = await user().ask([sh('true')], { cgroup: join(path, 'tsrun-supervisor') });
    t.is(second?.status?.code, 0);
    t.is(second?.cgroup, `${cgroup}/tsrun-supervisor`);
    const containers = () => readdirSync(join(path, 'tsrun')).filter((name) => statSync(join(path, 'tsrun', name)).isDirectory());
    const { child } = await user().begin([{ do: 'hold', options: idle }], { cgroup: join(path, 'tsrun-supervisor') });
    t.is(containers().length, 1);
    child.kill('SIGKILL');
    t.deepEqual(await user().leftovers(), []);
    t.deepEqual(containers(), []);
  });
});

needs(...userNeeds, 'cgroup2')('beside others in a delegated cgroup nobody is moved, and a limit is refused with the reason', async (t) => {
  await delegated(async (path, controllers) => {
    const [controller = ''] = controllers;
    const file = { hugetlb: 'hugetlb.2MB.max' }[controller] ?? `${controller}.max`;
    const cgroup = path.slice(path.indexOf('/tsrun-test-'));
    const [limited, plain] = await user().ask([sh('true', { unified: { [file]: '4194304' } }), sh('true')], { cgroup: path, crowded: true });
    t.like(limited?.error, { code: 'ERR_TSRUN_LIMIT_UNAVAILABLE' });
    t.regex(limited?.error?.message ?? '', /is not handed down to tsrun: other processes live in the same cgroup/);
    t.regex(limited?.error?.hint ?? '', /systemd-run --user --scope -p Delegate=yes/);
    t.is(plain?.cgroup, cgroup);
    t.is(plain?.status?.code, 0);
    t.deepEqual(words(join(path, 'cgroup.subtree_control')), []);
  });
});

// oci-rootless.test.ts shows in the short form that they do.
inLongForm(...userNeeds, 'cgroup2:memory', 'cgroup2:pids', 'cgroup2:cpu')('in a delegated cgroup the limits of an ordinary user hold', async (t) => {
  // Root's runtime has the root of the tree hand its controllers down.
  await lab.runtime();
  await delegated(async (path) => {
    const busy = (cpus?: number) => sh('timeout -s KILL 3 sh -c "while :; do :; done"; true', cpus === undefined ? {} : { cpus });
    const orders = [run({ command: ['hog', 'memory', '67108864'], memory: '16m' }), run({ command: ['hog', 'forks', '100'], pids: 10 }), busy(0.25), busy()];
    const [memory, forks, quarter, whole] = await user().ask(orders, { cgroup: path });
    t.like(memory?.status, { code: 137, cause: 'oom', oomKills: 1 });
    t.is(forks?.said, 'forks 9 EAGAIN\n');
    t.true((forks?.status?.pidsRefused ?? 0) >= 1);
    const share = ({ status }: Reply) => (status === undefined ? Number.NaN : status.usage.cpuUs / (status.durationMs * 1000));
    t.true(share(quarter ?? {}) < 0.35 && share(whole ?? {}) > 2 * share(quarter ?? {}), `${share(quarter ?? {})} of ${share(whole ?? {})}`);
    t.deepEqual([memory, forks, quarter, whole].flatMap((reply) => reply?.warnings ?? []).filter((warning) => warning.includes('limit')), []);
  });
});

users.declareLeakTests();
