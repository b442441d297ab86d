// A root of its own in a mount namespace that others are in, the caller's or one that is joined by its path: no mount is seen there, or left there.
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fixture } from '../support/lab.js';
import { ociLab, ociTest, program, type Config } from '../support/oci-lab.js';
import { namespaceOf, namespacePath, mountsOf } from '../support/proc.js';

const here = ociTest;
const lab = ociLab();
const others = ['pid', 'ipc', 'uts', 'network', 'cgroup'].map((type) => ({ type }));
const kernel = [{ destination: '/proc', type: 'proc', source: 'proc' }, { destination: '/dev', type: 'tmpfs', source: 'tmpfs' }];
const inside = readdirSync(fixture('busybox')).sort();

function sharing(config: Config = {}, namespace: readonly unknown[] = []): Config {
  return { ...config, linux: { namespaces: [...others, ...namespace], maskedPaths: ['/proc/keys'], readonlyPaths: ['/proc/sys'], ...config.linux } };
}

here('in the caller\'s the container has its root, its mounts and what covers them, and the caller none of it', (t) => {
  const before = mountsOf('self');
  const id = lab.running(sharing());
  const pid = lab.pidOf(id);
  t.is(namespaceOf(pid, 'mount'), namespaceOf('self', 'mount'));
  t.deepEqual(readdirSync(`/proc/${pid}/root`).sort(), inside);
  t.deepEqual(mountsOf('self'), before);
  t.is(lab.look(id, 'cat /proc/1/comm; ls /dev | grep -c null; test -s /proc/keys || echo masked; echo 1 > /proc/sys/vm/drop_caches || touch /x'), 'sleep\n1\nmasked\nsh: can\'t create /proc/sys/vm/drop_caches: Read-only file system\ntouch: /x: Read-only file system\n');
  lab.remove(t, id);
  t.deepEqual(mountsOf('self'), before);
});

here('whoever is executed later has the same root, at a terminal too, and no way out by its working directory', (t) => {
  const mounts = [...kernel, { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] }];
  const id = lab.running(sharing({ more: { mounts } }));
  t.deepEqual(lab.look(id, 'ls /').trim().split('\n'), inside);
  t.is(lab.look(id, 'cd ../../..; pwd; readlink /proc/self/root; ls -d /etc/debian_version 2>&1'), '/\n/\nls: /etc/debian_version: No such file or directory\n');
  const terminal = execFileSync('script', ['-qec', `${program} --root ${lab.root} exec --tty ${id} sh -c 'test -t 0 && tty'`, '/dev/null'], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
  t.regex(terminal, /\/dev\/pts\/0/);
  t.not(lab.call('exec', '--cwd', '/proc/self/fd/7/../../..', id, 'true').code, 0);
  lab.remove(t, id);
});

here('in one that is joined by its path the root of those in it stays theirs', async (t) => {
  const other = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'mount -t tmpfs marked /mnt && echo ready && exec sleep 1000'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((done) => other.stdout.once('data', done));
  const pid = other.pid ?? 0;
  try {
    const before = mountsOf(pid);
    const root = statSync(`/proc/${pid}/root`).ino;
    const id = lab.running(sharing({}, [{ type: 'mount', path: namespacePath(pid, 'mount') }]));
    t.is(namespaceOf(lab.pidOf(id), 'mount'), namespaceOf(pid, 'mount'));
    t.not(namespaceOf(lab.pidOf(id), 'mount'), namespaceOf('self', 'mount'));
    t.deepEqual(lab.look(id, 'ls /').trim().split('\n'), inside);
    t.deepEqual([mountsOf(pid), statSync(`/proc/${pid}/root`).ino], [before, root]);
    lab.remove(t, id);
    t.deepEqual([mountsOf(pid), statSync(`/proc/${pid}/root`).ino], [before, root]);
  } finally {
    other.kill('SIGKILL');
  }
});

here('hooks find the root at its place, and what they mount in it is the container\'s', (t) => {
  const before = mountsOf('self');
  const root = lab.ownRoot();
  const script = `mount -t tmpfs hooked ${root}/mnt && echo hook > ${root}/mnt/note`;
  const hooks = { createContainer: [{ path: '/bin/sh', args: ['sh', '-c', script], env: ['PATH=/usr/bin:/bin:/sbin'] }] };
  const id = lab.running(sharing({ more: { hooks, root: { path: root } } }));
  t.is(lab.look(id, 'cat /mnt/note'), 'hook\n');
  t.deepEqual([mountsOf('self'), readdirSync(join(root, 'mnt'))], [before, []]);
  lab.remove(t, id);
});

here('what such a root cannot have is refused by name', (t) => {
  const refusal = (config: Config) => lab.call('run', '--bundle', lab.bundle(config), lab.newId()).stderr;
  const map = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  t.regex(refusal(sharing({ linux: { namespaces: [...others, { type: 'user' }], uidMappings: map, gidMappings: map } })), /a new user namespace has no right to the mount namespace that the container shares/);
  for (const rootfsPropagation of ['shared', 'rslave', 'unbindable']) t.regex(refusal(sharing({ linux: { rootfsPropagation } })), /\/linux\/rootfsPropagation: no mount event reaches/);
  t.regex(refusal(sharing({ more: { mounts: [{ destination: '/mnt', type: 'bind', source: '/mnt', options: ['rbind', 'rslave'] }] } })), /\/mounts\/0\/options: no mount event reaches/);
  t.regex(refusal(sharing({ more: { root: { path: '/' } } })), /\/mounts: the container has no mount namespace of its own/);
  t.is(refusal(sharing({ args: ['true'], linux: { rootfsPropagation: 'private' } })), '');
});

here('nothing is left of one whose program could not be found', (t) => {
  const before = mountsOf('self');
  const id = lab.newId();
  t.regex(lab.call('create', '--bundle', lab.bundle(sharing({ args: ['nothing'] })), id).stderr, /executable file not found in \$PATH/);
  t.deepEqual([lab.traces(id), mountsOf('self')], [[], before]);
});

here('nobody mounts in it, and its mounts are in no table', (t) => {
  const rights = ['CAP_SYS_ADMIN'];
  const process = { capabilities: { bounding: rights, effective: rights, permitted: rights } };
  const script = 'mount -t tmpfs x /mnt 2>/dev/null || echo refused; grep -c . /proc/self/mountinfo';
  const runIn = (config: Config) => lab.call('run', '--bundle', lab.bundle({ ...config, args: ['sh', '-c', script], process }), lab.newId()).stdout;
  t.is(runIn(sharing()), 'refused\n0\n');
  t.notRegex(runIn({}), /refused/);
});
