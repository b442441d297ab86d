// Mount options of tsrun-oci, as the container's own mount table and files show them (config.md, "Mounts").
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { fixture } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { ociLab, ociTest, type Answer } from '../support/oci-lab.js';

const here = ociTest;
/** What is in memory can be id-mapped since Linux 6.3. */
const mapped = needs('root', 'cgroup2', 'kernel:6.3');
const layered = needs('root', 'cgroup2', 'overlay');
const onDisk = needs('root', 'cgroup2', 'capability:CAP_SYS_ADMIN', 'file:/dev/loop-control', 'command:mkfs.ext4');
const lab = ociLab();
const base = [{ destination: '/proc', type: 'proc', source: 'proc' }, { destination: '/dev', type: 'tmpfs', source: 'tmpfs' }];
const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
const ownUsers = { namespaces: ['pid', 'ipc', 'uts', 'mount', 'network', 'cgroup', 'user'].map((type) => ({ type })), uidMappings: ids, gidMappings: ids };

interface Mounted {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
  readonly uidMappings?: readonly unknown[];
  readonly gidMappings?: readonly unknown[];
}

function runWith(mounts: readonly Mounted[], script: string, linux: Readonly<Record<string, unknown>> = {}, root: string = fixture('busybox')): Answer {
  const bundle = lab.bundle({ args: ['sh', '-c', script], linux, more: { root: { path: root }, mounts: [...base, ...mounts] } });
  return lab.call('run', '--bundle', bundle, lab.newId());
}

/** Lines of mountinfo, by their mount point: options of the mount, propagation, options of the file system. */
function tableOf({ stdout }: Answer): Map<string, { readonly own: string[]; readonly optional: string[]; readonly type: string; readonly system: string[] }> {
  return new Map(stdout.split('\n').filter((line) => line.includes(' - ')).map((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , , point = '', own = '', ...optional] = before.split(' ');
    const [type = '', , system = ''] = after.split(' ');
    return [point, { own: own.split(','), optional, type, system: system.split(',') }];
  }));
}

const table = 'cat /proc/self/mountinfo';
/** With another file system below it. */
const source = mkdtempSync('/run/tsrun-mounts-');
chmodSync(source, 0o755);
mkdirSync(join(source, 'below'));
writeFileSync(join(source, 'file'), 'of the source\n');
execFileSync('mount', ['-t', 'tmpfs', 'below', join(source, 'below')]);
test.after.always(() => {
  execFileSync('umount', [join(source, 'below')]);
  execFileSync('rm', ['-r', source]);
});

here('values of a file system on a bind are passed over with a warning, unknown words are not', (t) => {
  const log = join(lab.folder, 'bind.log');
  const more = { mounts: [...base, { destination: '/mnt', type: 'bind', source, options: ['bind', 'nosuid', 'mode=755', 'size=1k'] }] };
  const answer = lab.call('--log', log, '--log-format', 'json', 'run', '--bundle', lab.bundle({ args: ['cat', '/mnt/file'], more }), lab.newId());
  t.is(answer.stdout, 'of the source\n', answer.stderr);
  t.like(JSON.parse(readFileSync(log, 'utf8')), { level: 'warning', msg: 'ignoring options of a file system on the bind mount /mnt: mode=755,size=1k' });
  t.regex(runWith([{ destination: '/mnt', type: 'bind', source, options: ['bind', 'noexce'] }], 'true').stderr, /'noexce' is not known for a bind mount/);
});

here('every word that config.md demands is taken, and runc\'s acl and noacl, by what is bound and by what is made', (t) => {
  const words = [
    ...['async', 'atime', 'defaults', 'dev', 'diratime', 'dirsync', 'exec', 'iversion', 'lazytime', 'loud', 'mand', 'noatime', 'nodev', 'nodiratime', 'noexec', 'noiversion', 'nolazytime'],
    ...['nomand', 'norelatime', 'nostrictatime', 'nosuid', 'nosymfollow', 'private', 'rprivate', 'relatime', 'ro', 'rshared', 'rslave', 'runbindable', 'rw', 'shared', 'silent', 'slave', 'strictatime'],
    ...['suid', 'symfollow', 'sync', 'unbindable', 'ratime', 'rdev', 'rdiratime', 'rexec', 'rnoatime', 'rnodev', 'rnodiratime', 'rnoexec', 'rnorelatime', 'rnostrictatime', 'rnosuid', 'rnosymfollow'],
    ...['rrelatime', 'rro', 'rrw', 'rstrictatime', 'rsuid', 'rsymfollow', 'acl', 'noacl'],
  ];
  const mounts = words.flatMap((word) => [
    { destination: `/tmp/bound/${word}`, type: 'bind', source, options: ['rbind', word] },
    { destination: `/tmp/made/${word}`, type: 'tmpfs', source: 'made', options: [word] },
  ]);
  const answer = runWith([{ destination: '/tmp', type: 'tmpfs' }, ...mounts], table);
  t.is(answer.stderr, '');
  const shown = tableOf(answer);
  for (const word of words) t.is(shown.get(`/tmp/made/${word}`)?.type, 'tmpfs', word);
  for (const word of ['ro', 'nosuid', 'nodev', 'noexec', 'noatime', 'nodiratime', 'nosymfollow']) {
    for (const kind of ['bound', 'made']) {
      t.true(shown.get(`/tmp/${kind}/${word}`)?.own.includes(word), `${kind} ${word}`);
      t.true(shown.get(`/tmp/${kind}/r${word}`)?.own.includes(word), `${kind} r${word}`);
    }
    t.false(shown.get(`/tmp/bound/${word}/below`)?.own.includes(word), word);
    t.true(shown.get(`/tmp/bound/r${word}/below`)?.own.includes(word), `r${word}`);
  }
  for (const [word, field] of [['shared', 'shared:'], ['rshared', 'shared:'], ['unbindable', 'unbindable'], ['runbindable', 'unbindable']] as const) {
    for (const kind of ['bound', 'made']) t.true(shown.get(`/tmp/${kind}/${word}`)?.optional.some((each) => each.startsWith(field)), `${kind} ${word}`);
  }
  for (const word of ['sync', 'dirsync', 'lazytime']) t.true(shown.get(`/tmp/made/${word}`)?.system.includes(word), word);
});

here('the last word about times holds', (t) => {
  const rows: readonly (readonly [words: readonly string[], shown: string | undefined])[] = [
    [['noatime'], 'noatime'], [['noatime', 'atime'], 'relatime'], [['strictatime'], undefined], [['strictatime', 'nostrictatime'], 'relatime'], [['noatime', 'nostrictatime'], 'noatime'], [['noatime', 'relatime'], 'relatime'],
  ];
  const mounts = rows.map(([options], index) => ({ destination: `/tmp/${index}`, type: 'tmpfs', options }));
  const shown = tableOf(runWith([{ destination: '/tmp', type: 'tmpfs' }, ...mounts], table));
  for (const [index, [words, expected]] of rows.entries()) t.is(shown.get(`/tmp/${index}`)?.own.find((word) => word.endsWith('atime')), expected, words.join());
});

here('a destination that is relative is that to the root', (t) => {
  const answer = runWith([{ destination: 'tmp', type: 'tmpfs' }, { destination: 'tmp/./deep/er', type: 'bind', source, options: ['bind'] }], 'cat /tmp/deep/er/file');
  t.is(answer.stdout, 'of the source\n', answer.stderr);
});

here('what is there is given other attributes by remount', (t) => {
  const shown = tableOf(runWith([{ destination: '/tmp', type: 'tmpfs' }, { destination: '/tmp', type: 'tmpfs', options: ['remount', 'ro', 'noexec'] }], table));
  t.true(shown.get('/tmp')?.own.includes('ro'));
  t.true(shown.get('/tmp')?.own.includes('noexec'));
  t.regex(runWith([{ destination: '/tmp', type: 'tmpfs', options: ['remount', 'size=1m'] }], table).stderr, /'size=1m' of a mount that is there is not changed/);
});

here('tmpcopyup: a tmpfs with what it covers', (t) => {
  const root = join(lab.folder, 'copied-root');
  cpSync(fixture('busybox'), root, { recursive: true, verbatimSymlinks: true });
  execFileSync('sh', ['-c', `cd ${root} && mkdir -p data/folder && echo text > data/folder/file && chown 7:8 data/folder/file data/folder && chmod 4755 data/folder/file && ln -s ../x data/link && mkfifo data/fifo && chmod 1757 data && chown 5:6 data && touch -d @1000 data/folder/file data/folder`]);
  const look = 'cd /data; stat -c "%n %F %a %u %g" . folder folder/file link fifo; stat -c %Y folder folder/file; cat folder/file; readlink link; stat -f -c %T .; echo > new';
  const answer = runWith([{ destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['tmpcopyup', 'size=1m'] }], look, {}, root);
  t.deepEqual(answer.stdout.trim().split('\n'), [
    '. directory 1757 5 6', 'folder directory 755 7 8', 'folder/file regular file 4755 7 8', 'link symbolic link 777 0 0', 'fifo fifo 644 0 0', '1000', '1000', 'text', '../x', 'tmpfs',
  ], answer.stderr);
  t.is(readFileSync(join(root, 'data/folder/file'), 'utf8'), 'text\n');
  t.true(existsSync(join(root, 'data/folder')));
  t.is(runWith([{ destination: '/data', type: 'tmpfs', options: ['tmpcopyup', 'mode=700'] }], 'stat -c %a /data; ls /data | wc -l', {}, root).stdout, '700\n3\n');
  t.is(runWith([{ destination: '/data', type: 'tmpfs', options: ['tmpcopyup', 'ro'] }], 'cat /data/folder/file; stat -c "%a %u %g" /data; touch /data/new 2>/dev/null || echo read-only', {}, root).stdout, 'text\n1757 5 6\nread-only\n');
  t.is(runWith([{ destination: '/new', type: 'tmpfs', options: ['tmpcopyup'] }], 'ls -A /new | wc -l', {}, root).stdout, '0\n');
  for (const mount of [{ destination: '/x', type: 'bind', source, options: ['bind', 'tmpcopyup'] }, { destination: '/sys', type: 'sysfs', options: ['tmpcopyup'] }]) t.regex(runWith([mount], 'true').stderr, /tmpcopyup is for a new tmpfs/);
  // What does not fit ends the start.
  execFileSync('sh', ['-c', `head -c 300000 /dev/zero > ${root}/data/large`]);
  t.regex(runWith([{ destination: '/data', type: 'tmpfs', options: ['tmpcopyup', 'size=4k'] }], 'true', {}, root).stderr, /makeMount \/data .*no space left on device/);
});

here('links as sources and destinations: followed, taken themselves, or copied', (t) => {
  const root = join(lab.folder, 'linked-root');
  cpSync(fixture('busybox'), root, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(root, 'aim'), 'of the image\n');
  symlinkSync('aim', join(root, 'over'));
  const link = join(lab.folder, 'link-to-source');
  symlinkSync(`${source}/file`, link);
  const rows: readonly (readonly [options: readonly string[], destination: string, script: string, shown: string])[] = [
    [['bind'], '/place', 'cat /place; test -L /place || echo file', 'of the source\nfile\n'],
    [['bind', 'src-nofollow', 'dest-nofollow'], '/over', 'readlink /over; cat /aim', `${source}/file\nof the image\n`],
    [['bind', 'copy-symlink'], '/new/copy', 'readlink /new/copy', `${source}/file\n`],
    [['bind', 'dest-nofollow'], '/over', 'test -L /over || echo covered; cat /over; cat /aim', 'covered\nof the source\nof the image\n'],
    [['bind'], '/over', 'cat /aim', 'of the source\n'],
  ];
  for (const [options, destination, script, shown] of rows) {
    const answer = runWith([{ destination, type: 'bind', source: link, options }], script, {}, root);
    t.is(answer.stdout, shown, `${options.join()} ${answer.stderr}`);
  }
  // What is no link is bound, as if the word were not there.
  t.is(runWith([{ destination: '/plain', type: 'bind', source: `${source}/file`, options: ['bind', 'copy-symlink'] }], 'cat /plain', {}, root).stdout, 'of the source\n');
});

mapped('owners go through the map of the mount, or of the container', (t) => {
  writeFileSync(join(source, 'owned'), '');
  execFileSync('chown', ['1000:1001', join(source, 'owned')]);
  const mappings = { uidMappings: [{ containerID: 1000, hostID: 0, size: 1 }], gidMappings: [{ containerID: 1001, hostID: 5, size: 1 }] };
  const mapped = runWith([{ destination: '/mnt', type: 'bind', source, options: ['bind'], ...mappings }], 'stat -c "%u %g" /mnt/owned');
  t.is(mapped.stdout, '0 5\n', mapped.stderr);
  t.is(runWith([{ destination: '/mnt', type: 'bind', source, options: ['bind', 'ridmap'], ...mappings }], 'stat -c "%u %g" /mnt/owned').stdout, '0 5\n');
  t.is(runWith([{ destination: '/mnt', type: 'bind', source, options: ['bind', 'idmap'] }], 'stat -c "%u %g" /mnt/owned', ownUsers).stdout, '1000 1001\n');
  t.is(runWith([{ destination: '/mnt', type: 'bind', source, options: ['bind'] }], 'stat -c "%u %g" /mnt/owned', ownUsers).stdout, '65534 65534\n');
});

/** Folders for an overlay, on a file system that takes an upper, as no other overlay may be. */
function layersIn(name: string): string {
  const place = join(source, 'below', name);
  execFileSync('sh', ['-c', `mkdir -p ${place}/l ${place}/l2 ${place}/u ${place}/w && chmod 755 ${place} && echo lower > ${place}/l/file && echo second > ${place}/l2/other`]);
  return place;
}

layered('an overlay over folders of the host: an upper takes what is written, a lower alone nothing', (t) => {
  const at = layersIn('plain');
  const upper = [`lowerdir=${at}/l:${at}/l2`, `upperdir=${at}/u`, `workdir=${at}/w`];
  const written = runWith([{ destination: '/tmp', type: 'overlay', source: 'overlay', options: [...upper, 'nosuid', 'private'] }], `cat /tmp/file /tmp/other && echo new > /tmp/file && ${table}`);
  t.true(written.stdout.startsWith('lower\nsecond\n'), written.stderr);
  t.true(tableOf(written).get('/tmp')?.own.includes('nosuid'));
  t.is(tableOf(written).get('/tmp')?.type, 'overlay');
  t.deepEqual(['u', 'l'].map((name) => readFileSync(join(at, name, 'file'), 'utf8')), ['new\n', 'lower\n']);
  for (const options of [[`lowerdir=${at}/l:${at}/l2`, 'ro'], [`lowerdir=${at}/l:${at}/l2`]]) {
    const read = runWith([{ destination: '/tmp', type: 'overlay', source: 'overlay', options }], 'cat /tmp/file; touch /tmp/new 2>/dev/null || echo read-only');
    t.is(read.stdout, 'lower\nread-only\n', read.stderr);
  }
  t.regex(runWith([{ destination: '/tmp', type: 'overlay', options: [`lowerdir=${at}/none:${at}/l`] }], 'true').stderr, /no such file or directory/);
  t.regex(runWith([{ destination: '/tmp', type: 'overlay', options: [`lowerdir=${at}/${'l/../'.repeat(900)}l:${at}/l2`] }], 'true').stderr, /E2BIG|too long/);
});

layered('the host sees nothing of an overlay that is made, nor does anybody who shares its mounts', (t) => {
  const at = layersIn('shared');
  const bundle = lab.bundle({ args: ['cat', '/tmp/file'], more: { mounts: [...base, { destination: '/tmp', type: 'overlay', options: [`lowerdir=${at}/l:${at}/l2`] }] } });
  const look = 'all=$(cat /proc/self/mountinfo); "$@"; [ "$all" = "$(cat /proc/self/mountinfo)" ] && echo nothing; grep -c shared: /proc/self/mountinfo >&2';
  const answer = lab.callWith({ under: ['unshare', '--mount', '--propagation', 'shared', 'sh', '-c', look, 'sh'] }, 'run', '--bundle', bundle, lab.newId());
  t.is(answer.stdout, 'lower\nnothing\n');
  t.regex(answer.stderr, /^[1-9]\d*\n$/, 'control: mounts that pass events on');
});

layered('paths of an overlay that are long, or have a comma or a colon in them', (t) => {
  const at = layersIn(`a,b:${'c'.repeat(240)}`);
  const escaped = at.replaceAll(/[,:]/g, '\\$&');
  // Commas part what engines hand on, too.
  for (const options of [[`lowerdir=${escaped}/l:${escaped}/l2`], `lowerdir=${escaped}/l:${escaped}/l2`.split(',')]) {
    const answer = runWith([{ destination: '/tmp', type: 'overlay', source: 'overlay', options }], 'cat /tmp/file /tmp/other');
    t.is(answer.stdout, 'lower\nsecond\n', answer.stderr);
  }
});

layered('an overlay in a user namespace: owners are those on disk, and no node is a device', (t) => {
  const at = layersIn('mapped');
  execFileSync('sh', ['-c', `cd ${at} && mknod -m 666 l/null c 1 3 && chown -R 100000:100000 l u w && chown 0:0 l/file`]);
  const options = [`lowerdir=${at}/l`, `upperdir=${at}/u`, `workdir=${at}/w`];
  const script = 'cd /tmp; stat -c "%n %u %g" . file null; echo mine > new && cat new; echo x > null || echo none; (echo x >> file) 2>/dev/null || echo not mine';
  const answer = runWith([{ destination: '/tmp', type: 'overlay', source: 'overlay', options }], script, ownUsers, lab.shiftedRoot());
  t.is(answer.stdout, '. 0 0\nfile 65534 65534\nnull 0 0\nmine\nnone\nnot mine\n', answer.stderr);
  t.is(execFileSync('stat', ['-c', '%u %g', join(at, 'u/new')], { encoding: 'utf8' }), '100000 100000\n');
});

onDisk('a block device of the host', (t) => {
  const image = join(lab.folder, 'disk');
  execFileSync('sh', ['-c', `head -c 1M /dev/zero > ${image} && mkfs.ext4 -q -O ^has_journal ${image}`]);
  const device = execFileSync('losetup', ['-f', '--show', image], { encoding: 'utf8' }).trim();
  t.teardown(() => { execFileSync('losetup', ['-d', device]); });
  const disk = { destination: '/tmp', type: 'ext4', source: device };
  const written = runWith([{ ...disk, options: ['nosuid', 'noatime'] }], `echo kept > /tmp/file && ${table}`);
  t.like(tableOf(written).get('/tmp'), { type: 'ext4', own: ['rw', 'nosuid', 'noatime'] }, written.stderr);
  const read = runWith([{ ...disk, options: ['ro'] }], `cat /tmp/file && ${table}`);
  t.true(read.stdout.startsWith('kept\n'), read.stderr);
  t.is(tableOf(read).get('/tmp')?.system[0], 'ro', 'the file system itself, so that a device that is read-only will do');
  t.is(runWith([{ ...disk, options: ['ro'] }], 'cat /tmp/file; stat -c %u /tmp/file', ownUsers, lab.shiftedRoot()).stdout, 'kept\n65534\n');
  t.regex(runWith([{ ...disk, source: `${device}0none` }], 'true').stderr, /no such file or directory/);
});
