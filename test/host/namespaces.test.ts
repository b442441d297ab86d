// All namespaces: new, the host's, or joined by path or by descriptor; seen from /proc outside and from inside.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Container, RunOptions } from '../../src/index.js';
import { TsrunError } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { answers, kinds, namespaceOf, namespacePath, sharedWith, type NamespaceKind } from '../support/proc.js';

const lab = new Lab();
const here = needs('root', 'userns');

const choosable = ['user', 'pid', 'ipc', 'uts', 'cgroup', 'time'] as const;

/** Everything that can be shared, shared. */
const allOfHost: RunOptions = {
  network: 'host',
  namespaces: { user: 'host', pid: 'host', ipc: 'host', uts: 'host', cgroup: 'host', time: 'host' },
};

async function withIdle(options: RunOptions, look: (container: Container) => void | Promise<void>): Promise<void> {
  const container = await lab.idle(options);
  try {
    await look(container);
  } finally {
    await container[Symbol.asyncDispose]();
  }
}

here('by default every namespace is new, but time', async (t) => {
  await withIdle({}, ({ pid }) => {
    t.deepEqual(sharedWith(pid), ['time']);
  });
});

here('a namespace that is shared is the host\'s, each kind by itself', async (t) => {
  for (const kind of choosable) {
    if (kind === 'time') continue;
    await withIdle({ namespaces: { [kind]: 'host' } }, ({ pid }) => {
      t.deepEqual(new Set(sharedWith(pid)), new Set([kind, 'time']), `--${kind} host`);
    });
  }
  await withIdle({ network: 'host' }, ({ pid }) => {
    t.deepEqual(sharedWith(pid), ['network', 'time']);
  });
});

here('all of the host\'s but the mounts', async (t) => {
  await withIdle(allOfHost, ({ pid }) => {
    t.deepEqual(sharedWith(pid), kinds.filter((kind) => kind !== 'mount'));
  });
});

function joined(t: ExecutionContext, container: Container, other: Container): void {
  const same = kinds.filter((kind) => namespaceOf(container.pid, kind) === namespaceOf(other.pid, kind));
  t.deepEqual(same, kinds.filter((kind) => kind !== 'mount'));
}

needs('root', 'userns', 'timens')('all of another container\'s, by path', async (t) => {
  await withIdle({ namespaces: { time: 'new' } }, async (other) => {
    const path = (kind: NamespaceKind) => ({ path: namespacePath(other.pid, kind) });
    const [user, pid, ipc, uts, cgroup, time] = choosable.map(path);
    if (!user || !pid || !ipc || !uts || !cgroup || !time) return t.fail();
    t.not(namespaceOf(other.pid, 'time'), namespaceOf('self', 'time'));
    await withIdle({ network: path('network'), namespaces: { user, pid, ipc, uts, cgroup, time } }, (container) => {
      joined(t, container, other);
    });
    const { stdout } = await lab.sh('hostname; echo $$; ps -o args | grep -c "[s]leep 1000"', { network: path('network'), namespaces: { user, pid, ipc, uts, cgroup } });
    const [name, inner, others] = stdout.trim().split('\n');
    t.is(name, other.record.spec.hostname);
    t.true(Number(inner) > 1, 'it is not the first process there');
    t.is(others, '1', 'and sees who is');
  });
});

needs('root', 'userns', 'timens')('all of another container\'s, by descriptor; the descriptors stay open for the caller', async (t) => {
  await withIdle({ namespaces: { time: 'new' } }, async (other) => {
    const fds = new Map(kinds.map((kind) => [kind, openSync(namespacePath(other.pid, kind), 'r')]));
    const fd = (kind: NamespaceKind) => ({ fd: fds.get(kind) ?? -1 });
    const namespaces = { user: fd('user'), pid: fd('pid'), ipc: fd('ipc'), uts: fd('uts'), cgroup: fd('cgroup'), time: fd('time') };
    await withIdle({ network: fd('network'), namespaces }, (container) => {
      joined(t, container, other);
    });
    // By any name: the process in it is found by the namespace itself.
    const user = { path: `/proc/${process.pid}/fd/${fd('user').fd}` };
    await withIdle({ namespaces: { user } }, ({ pid }) => {
      t.is(namespaceOf(pid, 'user'), namespaceOf(other.pid, 'user'));
    });
    await other[Symbol.asyncDispose]();
    const refused = await t.throwsAsync(lab.idle({ namespaces: { user: fd('user') } }), { instanceOf: TsrunError });
    t.is(refused.code, 'ERR_TSRUN_UNSUPPORTED');
    t.regex(`${refused.message} ${refused.hint ?? ''}`, /no process is in it.*\/proc\/PID\/ns\/user/);
    for (const each of fds.values()) t.notThrows(() => { closeSync(each); });
  });
});

needs('root', 'userns', 'timens')('all of another container\'s, by its name; what that shares with the host is the host\'s', async (t) => {
  const by = (id: string) => ({ container: id });
  await withIdle({ namespaces: { time: 'new' } }, async (other) => {
    const name = by(other.id);
    await withIdle({ network: name, namespaces: { user: name, pid: name, ipc: name, uts: name, cgroup: name, time: name } }, (container) => {
      joined(t, container, other);
    });
  });
  await withIdle({ network: 'host' }, async (other) => {
    const refused = await t.throwsAsync(lab.idle({ network: by(other.id), sysctls: { 'net.core.somaxconn': '5' } }), { instanceOf: TsrunError });
    t.is(refused.field, '/sysctls/net.core.somaxconn', refused.message);
  });
  const missing = await t.throwsAsync(lab.idle({ network: by('no-such') }), { instanceOf: TsrunError });
  t.is(missing.code, 'ERR_TSRUN_NOT_FOUND');
  t.is(missing.field, '/network/container');
  const ended = await lab.start({ command: ['true'], autoRemove: false });
  await ended.exited;
  t.is((await t.throwsAsync(lab.idle({ namespaces: { pid: by(ended.id), user: 'host' } }), { instanceOf: TsrunError })).code, 'ERR_TSRUN_STATE');
  (await lab.runtime()).remove(ended.id);
});

here('another container\'s user namespace, with all others new', async (t) => {
  await withIdle({}, async (other) => {
    const user = { path: namespacePath(other.pid, 'user') };
    await withIdle({ namespaces: { user } }, (container) => {
      const same = kinds.filter((kind) => namespaceOf(container.pid, kind) === namespaceOf(other.pid, kind));
      t.deepEqual(same, ['user', 'time']);
    });
    const { stdout, stderr } = await lab.sh('id -u; hostname; echo $$; touch /x; stat -c %u /x /etc/passwd /dev/null; cat /sys/class/net/lo/operstate', { namespaces: { user }, hostname: 'second' });
    t.is(stdout, '0\nsecond\n1\n0\n0\n0\nunknown\n', stderr);
  });
});

here('another container\'s namespaces in the host\'s user namespace, each kind by itself', async (t) => {
  await withIdle({ namespaces: { user: 'host', time: 'new' } }, async (other) => {
    for (const kind of ['pid', 'ipc', 'uts', 'cgroup', 'time'] as const) {
      await withIdle({ namespaces: { user: 'host', [kind]: { path: namespacePath(other.pid, kind) } } }, ({ pid }) => {
        t.is(namespaceOf(pid, kind), namespaceOf(other.pid, kind), kind);
      });
    }
  });
});

here('a namespace of another kind, or none at all, is refused by name', async (t) => {
  const { pid } = process;
  const refusals = [
    [`/proc/${pid}/ns/uts`, /^'\/proc\/\d+\/ns\/uts' is a namespace of another kind .*from \/linux\/namespaces\//],
    ['/proc/none/ns/net', /^'\/proc\/none\/ns\/net' does not exist/],
    ['/etc/passwd', /^'\/etc\/passwd' is not a namespace/],
  ] as const;
  for (const [path, message] of refusals) {
    const error = await t.throwsAsync(lab.idle({ network: { path } }), { instanceOf: TsrunError });
    t.regex(error.message, message);
    t.truthy(error.hint);
  }
});
needs('root', 'userns', 'timens')('clocks are moved by the offsets that were given, and the host\'s stay', async (t) => {
  const offsets = { monotonic: 100_000, boottime: 777_000 };
  const inside = answers((await lab.run({ command: ['who-am-i'], timeOffsets: offsets })).stdout);
  const uptime = Number((await lab.sh('cat /proc/uptime', { timeOffsets: { boottime: 777_000 } })).stdout.split(' ')[0]);
  const outside = answers((await lab.run({ command: ['who-am-i'] })).stdout);
  const difference = (clock: string) => Number(inside.get(clock)) - Number(outside.get(clock));
  t.true(Math.abs(difference('monotonic') - offsets.monotonic) < 300);
  t.true(Math.abs(difference('boottime') - offsets.boottime) < 300);
  t.true(uptime > 777_000);
  t.true(Number(outside.get('boottime')) < 777_000);
  await withIdle({ timeOffsets: { monotonic: 5 } }, ({ pid }) => {
    t.regex(readFileSync(`/proc/${pid}/timens_offsets`, 'utf8'), /^monotonic\s+5\s+0$/m);
    t.not(namespaceOf(pid, 'time'), namespaceOf('self', 'time'));
  });
});

here('loopback is up, and there is no other interface', async (t) => {
  const talk = (address: string) => `(echo hello | nc -l -p 7000 >/dev/null &); for i in $(seq 100); do nc ${address} 7000 </dev/null 2>/dev/null && break; sleep 0.1; done`;
  const { stdout } = await lab.sh(`ls /sys/class/net; ${talk('127.0.0.1')}; ${talk('::1')}; ip -o link show lo`);
  const [devices, four, six, link = ''] = stdout.split('\n');
  t.deepEqual([devices, four, six], ['lo', 'hello', 'hello']);
  t.regex(link, /<[^>]*\bUP\b/);
});

here('the host name is the container\'s own', async (t) => {
  const before = hostname();
  const { stdout } = await lab.sh('hostname; cat /proc/sys/kernel/domainname', { hostname: 'inner', domainname: 'example.test' });
  t.is(stdout, 'inner\nexample.test\n');
  t.is(hostname(), before);
});

here('the user namespace maps 65,536 ids from the range for containers, and no two live containers share one', async (t) => {
  const containers = await Promise.all(Array.from({ length: 5 }, async () => lab.idle()));
  const starts = containers.map(({ pid }) => {
    const maps = ['uid_map', 'gid_map'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8').trim().split(/\s+/).map(Number));
    t.deepEqual(maps[0], maps[1]);
    const [inner, outer = 0, size] = maps[0] ?? [];
    t.deepEqual([inner, size], [0, 65_536]);
    t.true(outer >= 524_288 && outer + 65_536 <= 1_879_048_192, String(outer));
    t.is(readFileSync(`/proc/${pid}/setgroups`, 'utf8').trim(), 'allow');
    t.regex(readFileSync(`/proc/${pid}/status`, 'utf8'), new RegExp(`^Uid:\\s+${outer}\\s+${outer}\\s`, 'm'));
    return outer;
  });
  t.is(new Set(starts).size, starts.length);
  for (const [index, start] of starts.toSorted((a, b) => a - b).entries()) {
    const next = starts.toSorted((a, b) => a - b)[index + 1];
    if (next !== undefined) t.true(next - start >= 65_536);
  }
  await Promise.all(containers.map(async (container) => container[Symbol.asyncDispose]()));
  const { stdout } = await lab.sh('cat /proc/self/uid_map', { namespaces: { user: 'host' } });
  t.deepEqual(stdout.trim().split(/\s+/), ['0', '0', '4294967295']);
});

/** A process of the host that is neither this one nor the first. */
async function withNeighbour(look: (path: (type: NamespaceKind) => string) => Promise<void>): Promise<void> {
  const neighbour = spawn('sleep', ['1000'], { stdio: 'ignore' });
  try {
    await look((type) => namespacePath(neighbour.pid ?? 0, type));
  } finally {
    neighbour.kill();
  }
}

here('what is the host\'s own is that by whatever name: nothing is set there', async (t) => {
  const hostname = readFileSync('/proc/sys/kernel/hostname', 'utf8');
  await withNeighbour(async (path) => {
    const fd = openSync(path('uts'), 'r');
    const refusals: [RunOptions, string][] = [
      [{ namespaces: { user: 'host' }, network: { path: path('network') }, sysctls: { 'net.ipv4.ip_forward': '1' } }, '/sysctls/net.ipv4.ip_forward'],
      [{ namespaces: { user: 'host', uts: { path: path('uts') } }, hostname: 'evil' }, '/hostname'],
      [{ namespaces: { user: 'host', uts: { fd } }, hostname: 'evil' }, '/hostname'],
      [{ namespaces: { user: 'host', ipc: { path: path('ipc') } }, sysctls: { 'kernel.msgmax': '8192' } }, '/sysctls/kernel.msgmax'],
      [{ namespaces: { user: 'host', uts: { path: '/proc/1/task/1/ns/uts' } }, domainname: 'evil' }, '/domainname'],
    ];
    for (const [options, field] of refusals) t.like(await t.throwsAsync(lab.idle(options), { instanceOf: TsrunError }), { field }, field);
    closeSync(fd);
    const names = [{ hostname: 'evil' }, { domainname: 'evil' }];
    for (const name of names) t.like(await t.throwsAsync(lab.idle({}, bundleJoining(path('uts'), name)), { instanceOf: TsrunError }), { code: 'ERR_TSRUN_INVALID_SPEC', field: `/${Object.keys(name)[0] ?? ''}` });
    t.is((await lab.run({}, bundleJoining(path('uts'), { hostname: '', domainname: '' }))).status.code, 0, 'no name is set');
    const container = await lab.idle({ namespaces: { user: { path: path('user') }, pid: { path: path('pid') }, uts: { path: path('uts') } }, network: { path: path('network') } });
    t.deepEqual(sharedWith(container.pid), ['user', 'pid', 'network', 'uts', 'time'], 'shared it may be');
    await container[Symbol.asyncDispose]();
  });
  t.is(readFileSync('/proc/sys/kernel/hostname', 'utf8'), hostname);
});

function bundleJoining(path: string, names: object): string {
  const bundle = mkdtempSync(join(lab.scratch, 'bundle-'));
  const namespaces = [{ type: 'mount' }, { type: 'pid' }, { type: 'uts', path }];
  writeFileSync(join(bundle, 'config.json'), JSON.stringify({ ociVersion: '1.2.0', root: { path: lab.image }, process: { user: { uid: 0, gid: 0 }, cwd: '/', args: ['true'] }, linux: { namespaces }, ...names }));
  return bundle;
}

here('what cannot be combined is refused before anything is made', async (t) => {
  const other = await lab.idle();
  const refusals: [RunOptions, string][] = [
    [{ namespaces: { pid: { path: namespacePath(other.pid, 'pid') } } }, '/namespaces/pid'],
    [{ hostname: 'x', namespaces: { uts: 'host' } }, '/hostname'],
    [{ network: 'host', sysctls: { 'net.ipv4.ip_forward': '1' } }, '/sysctls/net.ipv4.ip_forward'],
    [{ namespaces: { time: 'host' }, timeOffsets: { boottime: 1 } }, '/timeOffsets'],
    [{ namespaces: { ipc: 'host' }, shmBytes: '1m' }, '/shmBytes'],
  ];
  for (const [options, field] of refusals) {
    const error = await t.throwsAsync(lab.idle(options), { instanceOf: TsrunError });
    t.is(error.code, 'ERR_TSRUN_INVALID_ARGUMENT');
    t.is(error.field, field);
    t.truthy(error.hint);
  }
  await other[Symbol.asyncDispose]();
});

test.after.always('the runtime is closed', async () => {
  // A test that failed may have left a container that would keep the file from ending.
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
