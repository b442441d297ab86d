// The root file system and what stands in it: what may be written and where that goes, owners, /dev, /proc, /sys, /etc.
import { createHash } from 'node:crypto';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { mountAt, mountsOf, parseMounts } from '../support/proc.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

/** Names, kinds, modes, owners, targets and contents of everything in a folder. */
function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  const visit = (path: string) => {
    const status = lstatSync(path);
    hash.update(`${path.slice(folder.length)} ${status.mode} ${status.uid} ${status.gid} ${status.nlink} ${status.rdev}\n`);
    if (status.isSymbolicLink()) hash.update(readlinkSync(path));
    if (status.isFile()) hash.update(readFileSync(path));
    if (status.isDirectory()) for (const name of readdirSync(path).sort()) visit(join(path, name));
  };
  visit(folder);
  return hash.digest('hex');
}

const writeEverywhere = 'echo new >/etc/passwd && echo x >/new && rm -r /home && mkdir -p /home/other && ln -s x /etc/link && chmod 777 /bin && mv /mnt /mnt2 && cat /etc/passwd && ls -d /home/* /mnt2';

here('a disposable root takes every write and forgets it; the image does not change', async (t) => {
  const image = makeImage(lab, { folders: ['home/app', 'mnt'], files: { 'etc/passwd': 'old\n' } });
  const before = fingerprint(image);
  for (let turn = 0; turn < 2; turn++) {
    const { stdout, stderr } = await lab.sh(writeEverywhere.replace('mv ', 'busybox mv ').replace('chmod', 'busybox chmod'), {}, image);
    t.is(stdout, 'new\n/home/other\n/mnt2\n', stderr);
  }
  t.is(fingerprint(image), before);
});

here('a disposable root is full when its bytes are', async (t) => {
  const { stdout } = await lab.sh('dd if=/dev/zero of=/big bs=64k count=64 2>&1 | grep -o "No space left on device"; wc -c </big', { rootBytes: '1m' });
  const [said, size] = stdout.trim().split('\n');
  t.is(said, 'No space left on device');
  t.true(Number(size) > 500_000 && Number(size) <= 1_048_576);
});

here('a writable root keeps what was written, with the owners of the host', async (t) => {
  const image = makeImage(lab, { folders: ['home/app'] });
  await lab.sh('echo kept >/file; busybox chown 1000:1000 /home/app; mkdir /made', { root: 'writable', namespaces: { user: 'host' } }, image);
  t.is(readFileSync(join(image, 'file'), 'utf8'), 'kept\n');
  t.is(statSync(join(image, 'home/app')).uid, 1000);
  t.is(statSync(join(image, 'made')).uid, 0);
});

here('a writable root is id-mapped: a file that root makes inside is that of root on disk', async (t) => {
  const image = makeImage(lab);
  const { stdout, status } = await lab.sh('touch /file && stat -c "%u %g" /file /etc', { root: 'writable' }, image);
  t.is(status.code, 0);
  t.is(stdout, '0 0\n0 0\n');
  t.is(statSync(join(image, 'file')).uid, 0);
});

here('a read-only root refuses writes, and the image gets no mount target', async (t) => {
  const image = makeImage(lab);
  const before = fingerprint(image);
  const { stdout, status } = await lab.sh('touch /file /etc/file /bin/file 2>&1; touch /tmp/x 2>&1; touch /vol/x && ls -d /proc /dev /sys /vol', { root: 'read-only', mounts: [{ type: 'tmpfs', destination: '/vol' }] }, image);
  t.is(stdout.match(/Read-only file system/g)?.length, 4);
  t.true(stdout.endsWith('/dev\n/proc\n/sys\n/vol\n'), stdout);
  t.is(status.code, 0);
  t.is(fingerprint(image), before);
});

here('files of the image have the owners inside that they have outside', async (t) => {
  const { stdout } = await lab.sh('stat -c "%u:%g" / /bin/busybox /home/app /etc/passwd; touch /home/app/x /x; stat -c "%u:%g" /home/app/x /x');
  t.is(stdout, '0:0\n0:0\n1000:1000\n0:0\n0:0\n0:0\n');
  const app = await lab.sh('touch /home/app/x; stat -c "%u:%g" /home/app/x; touch /x', { user: 'app' });
  t.is(app.stdout, '1000:1000\n');
  t.regex(app.stderr, /Permission denied/);
});

here('/dev holds six nodes, three file systems, six links and nothing else', async (t) => {
  const image = makeImage(lab, { folders: ['dev'], files: { 'dev/evil': 'x', 'dev/null': 'x' } });
  const { stdout } = await lab.sh('cd /dev; find . -mindepth 1 -maxdepth 1 | busybox sort; stat -c "%n %F %t:%T %a %u:%g" null zero full random urandom tty; for link in fd stdin stdout stderr core ptmx; do readlink $link; done; ls pts shm mqueue', {}, image);
  const lines = stdout.trim().split('\n');
  t.deepEqual(lines.slice(0, 15), ['core', 'fd', 'full', 'mqueue', 'null', 'ptmx', 'pts', 'random', 'shm', 'stderr', 'stdin', 'stdout', 'tty', 'urandom', 'zero'].map((name) => `./${name}`));
  t.deepEqual(lines.slice(15, 21), ['null 1:3', 'zero 1:5', 'full 1:7', 'random 1:8', 'urandom 1:9', 'tty 5:0'].map((node) => `${node.replace(' ', ' character special file ')} 666 0:0`));
  t.deepEqual(lines.slice(21, 27), ['/proc/self/fd', '/proc/self/fd/0', '/proc/self/fd/1', '/proc/self/fd/2', '/proc/kcore', 'pts/ptmx']);
  t.is(lines.slice(27).join('\n'), 'mqueue:\n\npts:\nptmx\n\nshm:');
});

here('the nodes of /dev work', async (t) => {
  const { stdout, status } = await lab.sh('echo x >/dev/null && head -c 3 /dev/zero | wc -c && head -c 5 /dev/urandom | wc -c && ! echo x 2>/dev/null >/dev/full && touch /dev/shm/x && cat </dev/fd/0', { stdin: 'ignore' });
  t.is(status.code, 0);
  t.is(stdout, '3\n5\n');
});

here('/proc, /sys, /dev/shm, /dev/pts, /dev/mqueue and the cgroup tree are the container\'s own, with their walls', async (t) => {
  const container = await lab.idle({ shmBytes: '2m' });
  const mounts = mountsOf(container.pid);
  await container[Symbol.asyncDispose]();
  const expected: Record<string, readonly [string, readonly string[]]> = {
    '/proc': ['proc', ['rw', 'nosuid', 'nodev', 'noexec']],
    '/dev': ['tmpfs', ['rw', 'nosuid', 'noexec']],
    '/dev/pts': ['devpts', ['rw', 'nosuid', 'noexec']],
    '/dev/shm': ['tmpfs', ['rw', 'nosuid', 'nodev', 'noexec']],
    '/dev/mqueue': ['mqueue', ['rw', 'nosuid', 'nodev', 'noexec']],
    '/sys': ['sysfs', ['ro', 'nosuid', 'nodev', 'noexec']],
    '/sys/fs/cgroup': ['cgroup2', ['ro', 'nosuid', 'nodev', 'noexec']],
  };
  for (const [target, [type, options]] of Object.entries(expected)) {
    const mount = mountAt(mounts, target);
    t.is(mount?.type, type, target);
    t.deepEqual(options.filter((option) => mount?.options.includes(option) !== true), [], target);
  }
  t.true(mountAt(mounts, '/dev/shm')?.superOptions.includes('size=2048k'));
  t.true(mountAt(mounts, '/')?.options.includes('nodev'));
  t.deepEqual(mounts.filter(({ propagation }) => propagation.length > 0), [], 'every mount is private');
});

here('the cgroup tree shows the own cgroup as its root and takes no write', async (t) => {
  const { stdout, stderr } = await lab.sh('cat /proc/self/cgroup | grep ^0; ls /sys/fs/cgroup/cgroup.procs; cat /sys/fs/cgroup/cgroup.procs | head -n 1; mkdir /sys/fs/cgroup/sub; echo 1 >/sys/fs/cgroup/cgroup.procs; echo 0 >/sys/fs/cgroup/cgroup.freeze; ls /sys/fs/cgroup/..');
  t.true(stdout.startsWith('0::/\n/sys/fs/cgroup/cgroup.procs\n1\n'), stdout);
  t.is(stderr.match(/Read-only file system/g)?.length, 3, stderr);
});

here('only the container\'s own processes are seen', async (t) => {
  const { stdout } = await lab.sh('ls /proc | grep -E "^[0-9]+$"; echo own $$');
  const pids = stdout.split('\n').filter((line) => /^\d+$/.test(line)).map(Number);
  t.true(stdout.includes('own 1\n'));
  t.true(pids.length <= 4 && pids.every((pid) => pid < 10), stdout);
});

here('masked paths are empty, read-only paths take no write, and both name nothing of the host', async (t) => {
  const script = `
    for path in /proc/keys /proc/kcore /proc/timer_list /proc/kallsyms /proc/interrupts /proc/slabinfo; do
      if [ -e $path ]; then cat $path 2>/dev/null; echo x 2>/dev/null >$path && echo wrote $path; fi
    done
    for path in /sys/firmware /sys/kernel/debug /sys/kernel/security /proc/acpi /sys/fs/bpf; do ls -A $path 2>/dev/null; done
    for path in /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sysrq-trigger /proc/irq/default_smp_affinity; do
      [ -e $path ] && { : >$path; } 2>&1 | grep -o "Read-only file system"
    done
    cat /proc/self/mountinfo`;
  const { stdout } = await lab.sh(script);
  const lines = stdout.trim().split('\n');
  const first = lines.findIndex((line) => / \/ .* - overlay /.test(line));
  const readonly = lines.slice(0, first);
  t.true(readonly.length >= 2);
  t.deepEqual(new Set(readonly), new Set(['Read-only file system']));
  const mounts = parseMounts(lines.slice(first).join('\n'));
  t.deepEqual(mounts.filter(({ root, type }) => type !== 'proc' && root !== '/' && !['/file', '/dir'].includes(root)), []);
  const open = await lab.sh('grep -c " /proc/" /proc/self/mountinfo; cat /proc/timer_list >/dev/null', { systemPaths: 'unconfined' });
  t.is(open.stdout.trim(), '0');
});

here('/etc/hostname, hosts and resolv.conf are the container\'s; the image\'s stay as they are', async (t) => {
  const image = makeImage(lab, { files: { 'etc/hosts': 'image\n', 'etc/hostname': 'image\n' } });
  const { stdout } = await lab.sh('cat /etc/hostname /etc/hosts /etc/resolv.conf', { hostname: 'inner', addHosts: { db: '10.1.2.3' }, dns: ['192.0.2.1'] }, image);
  t.true(stdout.startsWith('inner\n'));
  t.regex(stdout, /^127\.0\.0\.1\s+localhost$/m);
  t.regex(stdout, /^10\.1\.2\.3\s+db$/m);
  t.regex(stdout, /inner$/m);
  t.regex(stdout, /^nameserver 192\.0\.2\.1$/m);
  t.false(stdout.includes(hostname()) && hostname() !== 'inner');
  t.is(readFileSync(join(image, 'etc/hosts'), 'utf8'), 'image\n');
});

here('the propagation of the root is what the config.json says, of everything beneath it with an r', async (t) => {
  const namespaces = ['pid', 'mount', 'uts', 'ipc', 'network'].map((type) => ({ type }));
  const mounts = [{ destination: '/proc', type: 'proc', source: 'proc' }];
  const runs = { user: { uid: 0, gid: 0 }, cwd: '/', args: ['cat', '/proc/self/mountinfo'], env: ['PATH=/bin'] };
  const expected: Readonly<Record<string, RegExp>> = { '': /^$/, private: /^$/, slave: /^$/, shared: /^shared:\d+$/, unbindable: /^unbindable$/ };
  for (const word of ['', 'private', 'rprivate', 'slave', 'rslave', 'shared', 'rshared', 'unbindable', 'runbindable']) {
    const bundle = mkdtempSync(join(lab.scratch, 'propagation-'));
    const spec = { ociVersion: '1.2.0', root: { path: makeImage(lab) }, process: runs, mounts, linux: { namespaces, rootfsPropagation: word } };
    writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
    const { stdout, status } = await lab.run({}, bundle);
    t.is(status.code, 0, word);
    const seen = parseMounts(stdout);
    const kind = expected[word.replace(/^r/, '')] ?? /none/;
    t.regex(mountAt(seen, '/')?.propagation.join(' ') ?? 'none', kind, word);
    t.regex(mountAt(seen, '/proc')?.propagation.join(' ') ?? 'none', word.startsWith('r') ? kind : /^$/, word);
  }
});

here('an OCI bundle folder runs by its config.json', async (t) => {
  const bundle = join(lab.scratch, 'bundle');
  mkdirSync(bundle);
  const namespaces = ['pid', 'mount', 'uts', 'ipc', 'network'].map((type) => ({ type }));
  const spec = {
    ociVersion: '1.2.0',
    root: { path: makeImage(lab), readonly: true },
    hostname: 'bundled',
    process: { user: { uid: 0, gid: 0 }, cwd: '/', args: ['sh', '-c', 'echo $NAME; cat /proc/sys/kernel/hostname; touch /x'], env: ['PATH=/bin', 'NAME=value'] },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: { namespaces },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
  const { stdout, stderr } = await lab.run({}, bundle);
  t.is(stdout, 'value\nbundled\n');
  t.regex(stderr, /Read-only file system/);
});

here('what stands in /etc for the container changes no file of a writable image, and nothing in a volume', async (t) => {
  const image = makeImage(lab, { files: { 'etc/hosts': '10.1.1.1 my.db\n' }, links: { 'etc/resolv.conf': '../run/resolve/stub.conf' } });
  const etc = join(image, 'etc');
  const script = 'cat /etc/hostname; grep -c my.db /etc/hosts; cat /etc/resolv.conf; echo 1.2.3.4 added >> /etc/hosts && grep added /etc/hosts';
  const outcomes = await Promise.all(['one', 'two'].map(async (hostname) => lab.sh(script, { root: 'writable', hostname }, image)));
  t.deepEqual(outcomes.map(({ stdout }) => stdout), ['one', 'two'].map((name) => `${name}\n0\n# no network, so no name server\n1.2.3.4 added\n`));
  t.is(readFileSync(join(etc, 'hosts'), 'utf8'), '10.1.1.1 my.db\n');
  t.is(readlinkSync(join(etc, 'resolv.conf')), '../run/resolve/stub.conf');
  t.is(readFileSync(join(etc, 'hostname'), 'utf8'), '', 'at most a place to mount on is made');

  const volume = join(lab.scratch, 'volume');
  mkdirSync(volume);
  chmodSync(volume, 0o777);
  writeFileSync(join(volume, 'hosts'), 'of the host\n', { mode: 0o666 });
  for (const options of [['rw'], ['ro']]) {
    const mounts = [{ type: 'bind', source: volume, destination: '/etc', options }] as const;
    for (const root of ['disposable', 'writable'] as const) {
      const { stdout } = await lab.sh('cat /etc/hosts; ls /etc', { root, mounts, namespaces: { user: 'host' } }, image);
      t.is(stdout, 'of the host\nhosts\n', `${root} ${options.join()}`);
    }
  }
  t.deepEqual(readdirSync(volume), ['hosts']);
  const { stdout } = await lab.sh('cat /etc/hostname', { mounts: [{ type: 'tmpfs', destination: '/etc' }], hostname: 'over' });
  t.is(stdout, 'over\n', 'what is the container\'s own is written to');
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
