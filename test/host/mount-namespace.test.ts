// A mount namespace that is there already, the host's or another container's: its root and mounts are the container's.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TsrunError, type Container, type NamespaceChoice, type RunOptions } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { namespaceOf, namespacePath, sharedWith } from '../support/proc.js';

const lab = new Lab();
const here = needs('root', 'userns');

const inMounts = (mount: NamespaceChoice, options: RunOptions = {}): RunOptions => ({ ...options, namespaces: { ...options.namespaces, mount } });

async function withIdle(options: RunOptions, look: (container: Container) => void | Promise<void>, image?: string): Promise<void> {
  const container = await lab.idle(options, image);
  try {
    await look(container);
  } finally {
    await container[Symbol.asyncDispose]();
  }
}

here('the host\'s: the program sees what the host sees, with the rights of its user namespace', async (t) => {
  const file = join(lab.scratch, 'of-root');
  writeFileSync(file, 'host', { mode: 0o600 });
  await withIdle(inMounts('host'), async (container) => {
    t.deepEqual(sharedWith(container.pid), ['mount', 'time']);
    t.is(readlinkSync(`/proc/${container.pid}/root`), '/');
    const { stdout } = await lab.exec(container, { command: ['sh', '-c', `readlink /proc/1/ns/pid >/dev/null || echo hidden; cat ${file} || echo refused; test -d ${lab.stateRoot} && echo there`] });
    t.is(stdout, 'hidden\nrefused\nthere\n');
  }, '/');
  const ids = { namespaces: { user: 'host' } } as const;
  const { stdout, stderr } = await lab.sh(`cat ${file}; echo new > ${file}.new`, inMounts('host', ids), '/');
  t.deepEqual([stdout, stderr], ['host', '']);
  t.is(readFileSync(`${file}.new`, 'utf8'), 'new\n', 'what it writes, it writes to the host');
  t.is((await lab.sh('test -t 0 && test -t 1', inMounts('host', { ...ids, terminal: true }), '/')).status.code, 0);
});

here('the walls that are not made of mounts stand: devices, capabilities, seccomp', async (t) => {
  const script = 'grep -E "^(NoNewPrivs|Seccomp):" /proc/self/status; head -c 1 /dev/zero | wc -c; head -c 1 /dev/kmsg || echo closed';
  const { stdout } = await lab.sh(script, inMounts('host', { namespaces: { user: 'host', pid: 'host' } }), '/');
  t.regex(stdout, /NoNewPrivs:\s1\nSeccomp:\s2\n1\nclosed\n/);
});

here('another container\'s, by its name, by path and by descriptor', async (t) => {
  await withIdle({ mounts: [{ type: 'tmpfs', destination: '/shared' }] }, async (other) => {
    const fd = openSync(namespacePath(other.pid, 'mount'), 'r');
    const user = { path: namespacePath(other.pid, 'user') };
    try {
      for (const mount of [{ container: other.id }, { path: namespacePath(other.pid, 'mount') }, { fd }]) {
        await withIdle(inMounts(mount, { namespaces: { user } }), async (container) => {
          t.is(namespaceOf(container.pid, 'mount'), namespaceOf(other.pid, 'mount'));
          t.not(namespaceOf(container.pid, 'pid'), namespaceOf(other.pid, 'pid'));
          await lab.exec(container, { command: ['sh', '-c', 'echo hello > /shared/note'] });
          t.is((await lab.exec(other, { command: ['cat', '/shared/note'] })).stdout, 'hello\n');
        }, '/');
      }
      t.is((await lab.sh('id -un', inMounts({ container: other.id }, { user: 'daemon' }), '/')).stdout, 'daemon\n', 'names are its own');
      const nameless = await t.throwsAsync(lab.start(inMounts({ fd }, { user: 'daemon' }), '/'), { instanceOf: TsrunError });
      t.is(nameless.code, 'ERR_TSRUN_USER_NOT_FOUND', 'through a descriptor nobody can look there beforehand');
    } finally {
      closeSync(fd);
    }
  });
});

here('with all namespaces of another it is one more process there', async (t) => {
  await withIdle({}, async (other) => {
    const its = { container: other.id };
    const all: RunOptions = { network: its, namespaces: { mount: its, user: its, pid: its, ipc: its, uts: its, cgroup: its } };
    const { stdout } = await lab.sh('hostname; ps -o args | grep -c "[s]leep 1000"; cat /proc/self/mountinfo | wc -l; touch /made; ls -ln /made | tr -s " " | cut -d" " -f3', all, '/');
    const [name, seen, mounts, owner] = stdout.trim().split('\n');
    t.deepEqual([name, seen, owner], [other.record.spec.hostname, '1', '0']);
    t.is(Number(mounts), readFileSync(`/proc/${other.pid}/mountinfo`, 'utf8').trim().split('\n').length);
    t.is((await lab.exec(other, { command: ['ls', '/made'] })).stdout, '/made\n');
  });
});

here('what another has mounted over /proc does not catch what is written for the container', async (t) => {
  const trap = [{ type: 'tmpfs', destination: '/scratch' }] as const;
  await withIdle({ mounts: trap, capAdd: ['SYS_ADMIN'], seccomp: 'unconfined', namespaces: { user: 'host' } }, async (other) => {
    const lay = 'mkdir -p /scratch/sys/net/ipv4 /scratch/self && echo 0 > /scratch/sys/net/ipv4/ip_forward && : > /scratch/self/timens_offsets && mount --bind /scratch /proc && cat /proc/sys/net/ipv4/ip_forward';
    t.is((await lab.exec(other, { command: ['sh', '-c', lay], privileged: true })).stdout, '0\n', 'control: the trap is laid');
    const sysctls = { 'net.ipv4.ip_forward': '1' };
    await withIdle(inMounts({ container: other.id }, { sysctls, timeOffsets: { boottime: 500_000 }, namespaces: { user: 'host' } }), async ({ pid }) => {
      t.regex(readFileSync(`/proc/${pid}/timens_offsets`, 'utf8'), /^boottime\s+500000\s/m);
      t.is((await lab.exec(other, { command: ['cat', '/proc/sys/net/ipv4/ip_forward', '/proc/self/timens_offsets'] })).stdout, '0\n', 'nothing went there');
      const reader = await lab.run({ command: ['cat', '/proc/sys/net/ipv4/ip_forward'], network: { path: namespacePath(pid, 'network') }, namespaces: { user: 'host' } });
      t.is(reader.stdout, '1\n', 'but to the kernel');
    }, '/');
  });
});

here('the launcher comes home, and what starts next has mounts of its own', async (t) => {
  await withIdle(inMounts('host'), async ({ pid }) => {
    const { stdout } = await lab.sh('wc -l < /proc/self/mountinfo; ls /');
    t.true(Number(stdout.split('\n')[0]) < 60);
    t.false(stdout.includes('lost+found'));
    await withIdle({}, (next) => {
      t.not(namespaceOf(next.pid, 'mount'), namespaceOf(pid, 'mount'));
    });
  }, '/');
});

here('a bundle that lists no mount namespace, and asks for nothing in one', async (t) => {
  const config = {
    ociVersion: '1.2.0',
    root: { path: '/' },
    process: { user: { uid: 0, gid: 0 }, args: ['readlink', '/proc/self/ns/mnt', '/proc/self/ns/uts'], cwd: '/', env: ['PATH=/usr/bin:/bin'] },
    linux: { namespaces: [{ type: 'uts' }] },
  };
  const bundle = join(lab.scratch, 'bundle');
  mkdirSync(bundle);
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  const { stdout } = await lab.run({}, bundle);
  const [mount, uts] = stdout.trim().split('\n');
  t.is(mount, namespaceOf('self', 'mount'));
  t.not(uts, namespaceOf('self', 'uts'));
});

here('what would be mounted or written there is refused by name, before anything is touched', async (t) => {
  const refusals: readonly (readonly [RunOptions, string])[] = [
    [{ root: 'read-only' }, '/root'], [{ root: 'writable' }, '/root'], [{ rootBytes: '1m' }, '/rootBytes'], [{ shmBytes: '1m' }, '/shmBytes'], [{ dns: ['1.1.1.1'] }, '/dns'],
    [{ addHosts: { a: '1.1.1.1' } }, '/addHosts'], [{ systemPaths: 'masked' }, '/systemPaths'], [{ mounts: [{ type: 'tmpfs', destination: '/x' }] }, '/mounts'],
    [{ devices: [{ source: '/dev/null', destination: '/dev/other' }] }, '/devices/0/destination'],
  ];
  for (const [options, field] of refusals) {
    const error = await t.throwsAsync(lab.start(inMounts('host', { ...options, command: ['true'] }), '/'), { instanceOf: TsrunError });
    t.deepEqual([error.code, error.field], ['ERR_TSRUN_INVALID_ARGUMENT', field], error.message);
    t.regex(error.message, /no mount namespace of its own/);
  }
  const image = await t.throwsAsync(lab.start(inMounts('host', { command: ['true'] })), { instanceOf: TsrunError });
  t.is(image.field, '/namespaces/mount', image.message);
  const cwd = await t.throwsAsync(lab.start(inMounts('host', { command: ['true'], cwd: '/no/such/folder' }), '/'), { instanceOf: TsrunError });
  t.regex(cwd.message, /^the working directory '\/no\/such\/folder' does not exist/);
  t.is(cwd.code, 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE');
  t.false(existsSync('/no'));
  if ((statSync('/dev/pts/ptmx').mode & 0o006) !== 0) return;
  const terminal = await t.throwsAsync(lab.start(inMounts('host', { command: ['true'], terminal: true }), '/'), { instanceOf: TsrunError });
  t.regex(`${terminal.message} ${terminal.hint ?? ''}`, /no terminal may be opened.*--userns host/);
});

here('a device of the host\'s is opened to it by a rule alone', async (t) => {
  const kmsg = { devices: [{ source: '/dev/kmsg', access: 'w' }], namespaces: { user: 'host' } } as const;
  t.is((await lab.sh(': > /dev/kmsg && echo open', inMounts('host', kmsg), '/')).stdout, 'open\n');
});

test.after.always('scratch files are removed', () => {
  rmSync(join(lab.scratch, 'of-root.new'), { force: true });
});

lab.declareLeakTest();
