// HOME where neither config.json nor exec says it: of the container's own passwd, as it is mounted, in a root that may be hostile.
import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ociLab, ociTest, type Config } from '../support/oci-lab.js';

const here = ociTest;
const lab = ociLab();
const ask = ['sh', '-c', 'echo "$HOME"; env | grep -c ^HOME='];
const users = 'root:x:0:0:root:/root:/bin/sh\nweb:x:1000:1000::/srv/web:/bin/sh\nagain:x:1000:1000::/elsewhere:/bin/sh\n';

function rootWith(passwd: string | ((file: string) => void)): string {
  const root = lab.ownRoot();
  const file = join(root, 'etc/passwd');
  rmSync(file, { force: true });
  if (typeof passwd === 'string') writeFileSync(file, passwd);
  else passwd(file);
  return root;
}

function homeOf(uid: number, root: string, { process = {}, more = {}, ...config }: Config = {}): string {
  const { code, stdout, stderr } = lab.call('run', '--bundle', lab.bundle({ args: ask, ...config, process: { user: { uid, gid: uid }, ...process }, more: { root: { path: root }, ...more } }), lab.newId());
  if (code !== 0) throw new Error(stderr);
  const [home = '', count] = stdout.split('\n');
  return count === '1' ? home : `${count} times: ${home}`;
}

here('run: the home of the user, / without one; what config.json says stays, and an empty one is none', (t) => {
  const root = rootWith(users);
  t.is(homeOf(0, root), '/root');
  t.is(homeOf(1000, root), '/srv/web');
  t.is(homeOf(7, root), '/');
  t.is(homeOf(0, root, { process: { env: ['PATH=/bin', 'HOME=/given'] } }), '/given');
  t.is(homeOf(0, root, { process: { env: ['HOME=', 'PATH=/bin'] } }), '/root');
  t.is(homeOf(0, rootWith(() => undefined)), '/');
});

here('what engines mount over /etc/passwd counts', (t) => {
  const file = join(lab.folder, 'mounted-passwd');
  writeFileSync(file, 'web:x:1000:1000::/mounted:/bin/sh\n');
  const mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }, { destination: '/etc/passwd', type: 'bind', source: file, options: ['bind', 'ro'] }];
  t.is(homeOf(1000, rootWith(users), { more: { mounts } }), '/mounted');
});

here('a passwd that is no plain file, or leads out of the root', (t) => {
  const outside = join(lab.folder, 'outside');
  writeFileSync(outside, 'root:x:0:0::/outside:/bin/sh\n');
  t.is(homeOf(0, rootWith((file) => { symlinkSync(outside, file); })), '/');
  t.is(homeOf(0, rootWith((file) => { symlinkSync(`../../../../../..${outside}`, file); })), '/');
  // Descriptors of the launcher's, as far as it has them.
  for (const number of [3, 4, 5, 6]) t.is(homeOf(0, rootWith((file) => { symlinkSync(`/proc/self/fd/${number}`, file); })), '/');
  t.is(homeOf(0, rootWith((file) => { execFileSync('mkfifo', [file]); })), '/');
  t.is(homeOf(0, rootWith((file) => { mkdirSync(file); })), '/');
  t.is(homeOf(0, rootWith((file) => { symlinkSync('/dev/zero', file); })), '/');
  t.is(homeOf(0, rootWith((file) => { symlinkSync('passwd', file); })), '/');
  // Control: a link that stays inside is followed.
  t.is(homeOf(0, rootWith((file) => {
    writeFileSync(join(file, '../accounts'), users);
    symlinkSync('/etc/accounts', file);
  })), '/root');
});

here('lines that are none, and a file that has no end', (t) => {
  const good = 'web:x:1000:1000::/srv/web:/bin/sh\n';
  const bad = ['web:x:1000', 'web:x:1000:x::/bad:', ':x:1000:1000::/bad:', 'web:x:01000:1000::/bad:', 'web:x:+1000:1000::/bad:', 'web:x:4294968296:1000::/bad:', 'we\0b:x:1000:1000::/bad:', `web:x:1000:1000:${'x'.repeat(8192)}:/bad:`, ''];
  t.is(homeOf(1000, rootWith([...bad, good].join('\n'))), '/srv/web');
  t.is(homeOf(1000, rootWith('web:x:1000:1000::/last')), '/last');
  // The user's first line counts, whatever it says.
  for (const home of ['', 'srv', '/a\u001bb', `/${'x'.repeat(4095)}`]) t.is(homeOf(1000, rootWith(`web:x:1000:1000::${home}:/bin/sh\n${good}`)), '/', JSON.stringify(home));
  t.is(homeOf(1000, rootWith(`web:x:1000:1000::/${'x'.repeat(4094)}:/bin/sh\n`)).length, 4095);
  t.is(homeOf(1000, rootWith(`${'x\n'.repeat(500_000)}${good}`)), '/srv/web');
  t.is(homeOf(1000, rootWith(`${'x\n'.repeat(525_000)}${good}`)), '/');
  t.is(homeOf(1000, rootWith((file) => { spawnSync('truncate', ['-s', '1T', file]); })), '/');
});

here('a container in a user namespace, by its own numbers', (t) => {
  const root = lab.shiftedRoot();
  writeFileSync(join(root, 'etc/passwd'), users, { mode: 0o600 });
  execFileSync('chown', ['100000:100000', join(root, 'etc/passwd')]);
  const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network', 'user'].map((type) => ({ type }));
  t.is(homeOf(1000, root, { linux: { namespaces, uidMappings: ids, gidMappings: ids } }), '/srv/web');
});

here('exec: of the user it is for, and of the file as it is then', (t) => {
  const root = rootWith(users);
  // The latter is entered at the last moment: its first process may trace.
  for (const added of [[], ['CAP_SYS_PTRACE']]) {
    const capabilities = { bounding: ['CAP_KILL', ...added], effective: ['CAP_KILL', ...added], permitted: ['CAP_KILL', ...added] };
    const id = lab.running({ process: { capabilities }, more: { root: { path: root } } });
    const home = (...flags: string[]) => lab.call('exec', ...flags, id, ...ask).stdout;
    t.is(home(), '/root\n1\n');
    t.is(home('--user', '1000:1000'), '/srv/web\n1\n');
    t.is(home('--user', '8:8'), '/\n1\n');
    t.is(home('--env', 'HOME=/given'), '/given\n1\n');
    appendFileSync(join(root, 'etc/passwd'), 'late:x:8:8::/late:/bin/sh\n');
    t.is(home('--user', '8:8'), '/late\n1\n');
    writeFileSync(join(root, 'etc/passwd'), users);
    t.is(lab.call('delete', '--force', id).code, 0);
  }
});
