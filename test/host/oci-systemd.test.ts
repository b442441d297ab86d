// tsrun-oci with cgroups that systemd makes: under a real one, which is the first process of the lane vm-systemd.
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import test from 'ava';
import { fixture, patience } from '../support/lab.js';
import { missing, needs } from '../support/needs.js';
import { ociLab, program, type Answer, type Config } from '../support/oci-lab.js';
import { until } from '../support/until.js';

const here = needs('root', 'systemd', 'cgroup:pure', 'cgroup2:memory', 'cgroup2:pids', 'cgroup2:cpu', `file:/${program.slice(1)}`);
const lab = ociLab();
const tree = '/sys/fs/cgroup';
const oci = (...words: readonly string[]): Answer => lab.call('--systemd-cgroup', ...words);

function must({ code, stdout, stderr }: Answer): string {
  if (code !== 0) throw new Error(`${String(code)}: ${stderr}`);
  return stdout;
}

function systemctl(...words: readonly string[]): string {
  return spawnSync('systemctl', words, { encoding: 'utf8' }).stdout.trim();
}

/** Properties of a unit, by their names. */
function shown(unit: string, ...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(systemctl('show', unit, ...names.map((name) => `--property=${name}`)).split('\n').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

const isActive = (unit: string) => shown(unit, 'ActiveState')['ActiveState'] === 'active';
const textOf = (...parts: readonly string[]) => readFileSync(join(...parts), 'utf8').trim();

/** All units of containers of this file that systemd still knows. */
function unitsLeft(): string[] {
  return systemctl('list-units', '--all', '--type=scope', '--plain', '--no-legend', '*tsruntest*', `*oci${process.pid}*`).split('\n').filter((line) => line !== '');
}

function created(config: Config, id = lab.newId()): string {
  must(oci('create', '--bundle', lab.bundle(config), id));
  return id;
}

const resources = { memory: { limit: 64 << 20, reservation: 1 << 20 }, pids: { limit: 1 }, cpu: { shares: 512, quota: 12_345, period: 50_000 }, unified: { 'memory.high': '48M' } };

here('a container through its life in a scope of the slice that cgroupsPath names, with its limits as properties and in the files', async (t) => {
  const id = created({ linux: { cgroupsPath: 'tsruntest-inner.slice:tsruntest:life', resources } });
  const [unit, cgroup] = ['tsruntest-life.scope', `${tree}/tsruntest.slice/tsruntest-inner.slice/tsruntest-life.scope`];
  t.deepEqual(shown(unit, 'ActiveState', 'Slice', 'Delegate', 'DefaultDependencies', 'Description', 'MemoryMax', 'MemoryLow', 'MemoryHigh', 'TasksMax', 'CPUWeight', 'CPUQuotaPerSecUSec', 'CPUQuotaPeriodUSec'), {
    ActiveState: 'active', Slice: 'tsruntest-inner.slice', Delegate: 'yes', DefaultDependencies: 'no', Description: `tsrun container ${id}`,
    MemoryMax: String(64 << 20), MemoryLow: String(1 << 20), MemoryHigh: String(48 << 20), TasksMax: '1', CPUWeight: '59', CPUQuotaPerSecUSec: '250ms', CPUQuotaPeriodUSec: '50ms',
  });
  t.deepEqual(['memory.max', 'memory.low', 'memory.high', 'pids.max', 'cpu.weight', 'cpu.max'].map((file) => textOf(cgroup, file)), [String(64 << 20), String(1 << 20), String(48 << 20), '1', '59', '12500 50000']);
  t.is(textOf(cgroup, 'cgroup.procs'), String(lab.state(id)['pid']));
  t.is(lab.status(id), 'created');
  must(oci('start', id));
  t.is(lab.status(id), 'running');
  must(oci('pause', id));
  t.is(lab.status(id), 'paused');
  must(oci('resume', id));
  t.regex(lab.call('exec', id, 'true').stderr, /resource temporarily unavailable|EAGAIN/i, 'one process is all that there may be');
  must(oci('update', '--pids-limit', '5', id));
  t.is(must(lab.call('exec', id, 'cat', '/proc/self/cgroup')), '0::/\n');
  t.is(must(lab.call('ps', '--format', 'json', id)).trim(), `[${String(lab.state(id)['pid'])}]`);
  must(oci('kill', id, 'KILL'));
  await until(() => lab.status(id) === 'stopped', 'the end');
  must(lab.call('delete', id));
  t.deepEqual([existsSync(cgroup), isActive(unit)], [false, false]);
});

here('an update is of the unit too, so that a reload of systemd does not take it back', (t) => {
  const id = created({ linux: { cgroupsPath: 'tsruntest.slice:tsruntest:update', resources } });
  const cgroup = `${tree}/tsruntest.slice/tsruntest-update.scope`;
  const files = () => ['memory.max', 'memory.high', 'pids.max', 'cpu.max', 'cpu.weight'].map((file) => textOf(cgroup, file));
  must(oci('update', '--memory', '32M', '--pids-limit', '9', '--cpu-quota', '20001', id));
  const wanted = [String(32 << 20), String(48 << 20), '9', '20500 50000', '59'];
  t.deepEqual(files(), wanted);
  t.deepEqual(shown('tsruntest-update.scope', 'MemoryMax', 'TasksMax', 'CPUQuotaPerSecUSec'), { MemoryMax: String(32 << 20), TasksMax: '9', CPUQuotaPerSecUSec: '410ms' });
  systemctl('daemon-reload');
  // Has it apply what it knows of.
  systemctl('set-property', '--runtime', 'tsruntest-update.scope', 'MemoryLow=4096');
  t.deepEqual(files(), wanted);
  must(lab.call('delete', '--force', id));
});

here('without cgroupsPath it is a scope of system.slice; annotations are properties; run waits for the end', (t) => {
  const id = lab.newId();
  const bundle = lab.bundle({ args: ['sh', '-c', 'cat /proc/self/cgroup; exit 7'], linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }] } });
  const { code, stdout } = oci('run', '--bundle', bundle, id);
  t.deepEqual([code, stdout], [7, `0::/system.slice/tsrun-${id}.scope\n`]);
  const annotated = created({ more: { annotations: { 'org.systemd.property.TimeoutStopSec': '7', 'org.systemd.property.CollectMode': '\'inactive-or-failed\'' } } });
  t.deepEqual(shown(`tsrun-${annotated}.scope`, 'TimeoutStopUSec', 'CollectMode'), { TimeoutStopUSec: '7s', CollectMode: 'inactive-or-failed' });
  must(lab.call('delete', '--force', annotated));
});

const cgroupOf = (pid: unknown) => textOf(`/proc/${String(pid)}/cgroup`).replace(/^0::/, '');
const groups = [{ name: 'run.oci.systemd.subgroup', path: '/inner', inside: '/', limited: '/inner' }, { name: 'run.oci.delegate-cgroup', path: '/inner', inside: '/inner', limited: '' }] as const;

for (const { name, path, inside, limited } of groups) {
  here(`${name}: a cgroup within the scope, which has processes and limits, and goes with it`, (t) => {
    const user = { user: { uid: 1000, gid: 1000 } };
    const id = created({ process: user, linux: { cgroupsPath: 'tsruntest.slice:tsruntest:inner', resources }, more: { annotations: { [name]: 'inner' } } });
    const scope = '/tsruntest.slice/tsruntest-inner.scope';
    t.is(cgroupOf(lab.state(id)['pid']), scope + path);
    must(oci('start', id));
    must(oci('update', '--pids-limit', '3', '--memory', '32M', id));
    t.deepEqual(['memory.max', 'memory.high', 'pids.max', 'pids.current'].map((file) => textOf(tree, scope + limited, file)), [String(32 << 20), String(48 << 20), '3', '1']);
    t.deepEqual([textOf(tree, scope, 'pids.max'), textOf(tree, scope, 'cgroup.procs')], ['3', '']);
    t.is(must(lab.call('exec', id, 'cat', '/proc/self/cgroup')), `0::${inside}\n`);
    t.is(must(lab.call('ps', '--format', 'json', id)).trim(), `[${String(lab.state(id)['pid'])}]`);
    must(oci('pause', id));
    t.is(lab.status(id), 'paused');
    systemctl('daemon-reload');
    t.is(cgroupOf(lab.state(id)['pid']), scope + path);
    must(lab.call('delete', '--force', id));
    t.deepEqual([existsSync(join(tree, scope)), isActive('tsruntest-inner.scope'), lab.traces(id)], [false, false, []]);
  });
}

here('run.oci.systemd.subgroup: an empty name is none, and a path no name', (t) => {
  const id = created({ linux: { cgroupsPath: 'tsruntest.slice:tsruntest:none' }, more: { annotations: { 'run.oci.systemd.subgroup': '' } } });
  t.is(cgroupOf(lab.state(id)['pid']), '/tsruntest.slice/tsruntest-none.scope');
  must(lab.call('delete', '--force', id));
  const { code, stderr } = oci('create', '--bundle', lab.bundle({ more: { annotations: { 'run.oci.systemd.subgroup': '../other' } } }), lab.newId());
  t.deepEqual([code, stderr], [1, 'annotation run.oci.systemd.subgroup: "../other" is not the name of one cgroup\n']);
});

here('over the system bus as well', (t) => {
  const id = lab.newId();
  const under = { under: ['env', 'DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/dbus/system_bus_socket'] };
  must(lab.callWith(under, '--systemd-cgroup', 'create', '--bundle', lab.bundle(), id));
  t.true(isActive(`tsrun-${id}.scope`));
  must(lab.callWith(under, 'update', '--pids-limit', '3', id));
  t.is(shown(`tsrun-${id}.scope`, 'TasksMax')['TasksMax'], '3');
  must(lab.callWith(under, 'delete', '--force', id));
});

here('what is wrong is refused, and leaves nothing', (t) => {
  const refused = (config: Config, under: readonly string[] = []) => {
    const id = lab.newId();
    const { code, stderr } = lab.callWith({ under }, '--systemd-cgroup', 'create', '--bundle', lab.bundle(config), id);
    t.deepEqual([code, lab.traces(id), isActive(`tsrun-${id}.scope`)], [1, [], false]);
    return stderr;
  };
  t.regex(refused({ linux: { cgroupsPath: '/a/b' } }), /expected cgroupsPath to be of format "slice:prefix:name"/);
  t.regex(refused({ more: { annotations: { 'org.systemd.property.NoSuchThing': '1' } } }), /NoSuchThing/);
  t.regex(refused({ args: ['/no/such'] }), /no such file or directory/);
  t.regex(refused({ linux: { resources: { unified: { 'memory.max': 'much' } } } }), /memory\.max/);
  t.regex(refused({}, ['env', 'DBUS_SYSTEM_BUS_ADDRESS=unix:path=/no/such']), /^systemd not running on this host, cannot use systemd cgroups manager: nobody listens at \/no\/such \(leave --systemd-cgroup out/);
});

here('a unit that is another container\'s stays what it is', (t) => {
  const first = created({ linux: { cgroupsPath: 'tsruntest.slice:tsruntest:same' } });
  const second = lab.newId();
  const { code, stderr } = oci('create', '--bundle', lab.bundle({ linux: { cgroupsPath: 'tsruntest.slice:tsruntest:same' } }), second);
  t.deepEqual([code, lab.traces(second)], [1, []]);
  t.regex(stderr, /is there already/);
  t.is(lab.status(first), 'created');
  must(lab.call('delete', '--force', first));
});

here('a create that is killed at any moment leaves nothing after delete --force, and can be done again', async (t) => {
  const id = lab.newId();
  const bundle = lab.bundle({ linux: { resources: { pids: { limit: 5 } } } });
  let killed = 0;
  for (let ms = 0; ms < 1200; ms += 120) {
    if (await lab.beginAndKill(ms, '--systemd-cgroup', 'create', '--bundle', bundle, id)) killed++;
    must(lab.call('delete', '--force', id));
    t.deepEqual([...lab.traces(id), ...readdirSync(`${tree}/system.slice`).filter((name) => name.includes(id))], [], `after ${ms} ms`);
  }
  t.true(killed > 0);
  created({}, id);
  must(lab.call('delete', '--force', id));
});

const uid = 31_000;
const userFolder = join(lab.folder, 'user');
const manager = `tsruntest-manager-${process.pid}`;

/** Of an ordinary user, with a systemd of its own, as a login would start one; in a unit of it, or beside them. */
function asUser(script: string, inside: boolean): Answer {
  const within = inside ? ['systemd-run', '--user', '--quiet', '--scope'] : [];
  const words = ['--quiet', '--wait', '--pipe', `--uid=${uid}`, `--setenv=XDG_RUNTIME_DIR=${userFolder}`, ...within, 'sh', '-c', `oci() { ${userFolder}/tsrun-oci --root ${userFolder}/state --systemd-cgroup "$@"; }; ${script}`];
  const { status, signal, stdout, stderr } = spawnSync('systemd-run', words, { encoding: 'utf8', timeout: 60_000 * patience });
  return { code: status, signal, stdout, stderr };
}

async function prepareUser(): Promise<void> {
  chmodSync(lab.folder, 0o755);
  mkdirSync(userFolder);
  for (const name of ['tsrun-oci', 'tsrun-launcher', 'tsrun-reaper']) copyFileSync(join(dirname(program), name), join(userFolder, name));
  const map = [{ containerID: 0, hostID: uid, size: 1 }];
  const bundle = lab.bundle({ linux: { cgroupsPath: ':tsruntest:user', uidMappings: map, gidMappings: map, namespaces: ['user', 'pid', 'mount', 'cgroup'].map((type) => ({ type })), resources: { pids: { limit: 6 } } } });
  execFileSync('sh', ['-c', `cp -a ${fixture('busybox')} ${userFolder}/rootfs && sed 's|"path":"[^"]*busybox"|"path":"${userFolder}/rootfs"|' ${bundle}/config.json >${userFolder}/config.json && chown -R ${uid}:${uid} ${userFolder} && chmod 700 ${userFolder}`]);
  appendFileSync('/etc/passwd', `tsruntest:x:${uid}:${uid}::${userFolder}:/bin/sh\n`);
  for (const name of ['subuid', 'subgid']) appendFileSync(`/etc/${name}`, 'tsruntest:1900000000:65536\n');
  execFileSync('systemd-run', ['--quiet', `--unit=${manager}`, `--uid=${uid}`, '--property=Delegate=yes', `--setenv=XDG_RUNTIME_DIR=${userFolder}`, '/lib/systemd/systemd', '--user']);
  await until(() => existsSync(`${userFolder}/systemd/private`), 'the user\'s systemd');
}

// It adds a user to the host's.
needs('systemd', 'lane:vm', 'command:newuidmap')('an ordinary user\'s container is a scope of that user\'s systemd', async (t) => {
  await prepareUser();
  const begin = `cd ${userFolder}; oci create --pid-file pid one </dev/null >out 2>&1; status=$?; cat out; [ $status = 0 ] || exit $status`;
  const life = asUser(`${begin}; cut -d : -f 3 /proc/$(cat pid)/cgroup; show() { systemctl --user show tsruntest-user.scope "$@"; }
    show --property=Slice --property=TasksMax; oci update --pids-limit 7 one; show --property=TasksMax; oci delete --force one; show --property=ActiveState`, true);
  t.deepEqual([life.stderr, life.stdout.trim().split('\n').sort()], ['', [`/system.slice/${manager}.service/user.slice/tsruntest-user.scope`, 'ActiveState=inactive', 'Slice=user.slice', 'TasksMax=6', 'TasksMax=7']]);
  const beside = asUser(begin, false);
  t.is(beside.code, 1);
  t.regex(beside.stdout, /^this process is in the cgroup .*: begin with systemd-run --user --scope$/m);
  systemctl('stop', manager);
});

needs('root', 'systemd', 'lane:vm', 'command:podman')('podman with systemd as its cgroup manager', async (t) => {
  const folder = join(lab.folder, 'podman');
  const podman = (...words: readonly string[]) => {
    const { status, stdout, stderr } = spawnSync('podman', [...['root', 'runroot', 'tmpdir'].flatMap((name) => [`--${name}`, join(folder, name)]), '--storage-driver', 'vfs', '--cgroup-manager', 'systemd', '--runtime', program, ...words], { encoding: 'utf8', timeout: 120_000 * patience });
    if (status !== 0) throw new Error(stderr);
    return stdout.trim();
  };
  const id = podman('run', '--detach', '--name', 'one', '--network', 'none', '--memory', '64m', '--rootfs', lab.ownRoot(), 'sleep', '1000');
  const unit = `libpod-${id}.scope`;
  t.deepEqual(shown(unit, 'ActiveState', 'Slice', 'MemoryMax'), { ActiveState: 'active', Slice: 'machine.slice', MemoryMax: String(64 << 20) });
  t.is(podman('exec', 'one', 'cat', '/proc/self/cgroup'), '0::/');
  podman('rm', '--force', '--time', '0', 'one');
  t.false(isActive(unit));
  await until(() => lab.processesNamed(folder) === 0, 'the end of what podman does after a container');
});

test.after.always('no unit is left', (t) => {
  if (missing('systemd').length === 0) t.deepEqual(unitsLeft(), []);
});
