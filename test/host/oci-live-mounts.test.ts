// `tsrun-oci mounts`: what is added to a container that is there, and removed, and that none of it is ever the host's.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { fixture } from '../support/lab.js';
import { ociLab, ociTest, program, type Answer, type Config } from '../support/oci-lab.js';
import { mountAt, mountsOf, namespacePath, type MountLine } from '../support/proc.js';
import { until } from '../support/until.js';

const here = ociTest;
const lab = ociLab();
const source = mkdtempSync('/run/tsrun-live-');
mkdirSync(join(source, 'folder'), { mode: 0o755 });
writeFileSync(join(source, 'folder/file'), 'of the host\n');
test.after.always(() => { rmSync(source, { recursive: true }); });

interface Asked {
  readonly destination: string;
  readonly type?: string;
  readonly source?: string;
  readonly options?: readonly string[];
}

let count = 0;

function mounts(verb: 'add' | 'remove', id: string, list: unknown): Answer {
  const file = join(lab.folder, `mounts-${count++}.json`);
  writeFileSync(file, JSON.stringify(list));
  return lab.call('mounts', verb, id, file);
}

function bind(destination: string, ...options: readonly string[]): Asked {
  return { destination, type: 'bind', source: join(source, 'folder'), options: ['bind', ...options] };
}

/** A container with a root of its own, which it may write to, by its id and that root. */
function running({ more = {}, ...config }: Config = {}): { readonly id: string; readonly root: string } {
  const root = lab.ownRoot();
  return { id: lab.running({ ...config, more: { root: { path: root }, ...more } }), root };
}

function mounted(id: string, target: string): MountLine | undefined {
  return mountAt(mountsOf(lab.pidOf(id)), target);
}

/** The host has the same mounts after it as before. */
function hidden(title: string, body: (t: ExecutionContext) => Promise<void> | void): void {
  here(title, async (t) => {
    const before = mountsOf('self');
    await body(t);
    t.deepEqual(mountsOf('self'), before);
  });
}

hidden('folders, files and tmpfs come, as they are asked for, and go', (t) => {
  const { id } = running();
  const list = [
    bind('/mnt/here', 'ro', 'noexec'),
    { destination: '/mnt/file', type: 'bind', source: join(source, 'folder/file'), options: ['rbind'] },
    { destination: 'made/deep/er', type: 'tmpfs', source: 'tmpfs', options: ['size=64k', 'mode=700', 'nosuid'] },
    { destination: '/mnt/here/folder', type: 'tmpfs' },
  ];
  mkdirSync(join(source, 'folder/folder'));
  const table = mountsOf(lab.pidOf(id));
  t.deepEqual(mounts('add', id, list), { code: 0, signal: null, stdout: '', stderr: '' });
  t.is(lab.look(id, 'cat /mnt/here/file /mnt/file; stat -f -c %T /made/deep/er /mnt/here/folder; stat -c %a /made/deep/er; touch /mnt/here/new'), 'of the host\nof the host\ntmpfs\ntmpfs\n700\ntouch: /mnt/here/new: Read-only file system\n');
  t.deepEqual(['ro', 'noexec'].filter((word) => mounted(id, '/mnt/here')?.options.includes(word) !== true), []);
  t.deepEqual([mounted(id, '/mnt/here')?.propagation, mounted(id, '/mnt/file')?.propagation], [[], []]);
  t.true(mounted(id, '/made/deep/er')?.superOptions.includes('size=64k'));
  t.is(lab.status(id), 'running');
  t.deepEqual(mounts('remove', id, [...list].reverse()), { code: 0, signal: null, stdout: '', stderr: '' });
  t.deepEqual(mountsOf(lab.pidOf(id)), table);
  t.regex(lab.look(id, 'cat /mnt/here/file'), /No such file/);
  rmSync(join(source, 'folder/folder'), { recursive: true });
  lab.remove(t, id);
});

hidden('the list is read from standard input too, and sources are relative to the caller\'s folder', (t) => {
  const { id } = running();
  const input = JSON.stringify([{ ...bind('/mnt'), source: 'folder' }]);
  execFileSync(program, ['--root', lab.root, 'mounts', 'add', id, '-'], { input, cwd: source });
  t.is(lab.look(id, 'cat /mnt/file'), 'of the host\n');
  execFileSync(program, ['--root', lab.root, 'mounts', 'remove', id, '-'], { input: '[{"destination": "/mnt"}]' });
  t.is(mounted(id, '/mnt'), undefined);
  lab.remove(t, id);
});

hidden('what is missing on the way is made as root of the container; on a read-only root nothing is', (t) => {
  const { id, root } = running();
  t.is(mounts('add', id, [bind('/new/folder'), { ...bind('/new/er/file'), source: join(source, 'folder/file') }]).code, 0);
  t.true(statSync(join(root, 'new/folder')).isDirectory());
  t.true(statSync(join(root, 'new/er/file')).isFile());
  lab.remove(t, id);
  const fixed = lab.running();
  t.regex(mounts('add', fixed, [bind('/new/folder')]).stderr, /^attachMount \/new\/folder \(\/mounts\/0\/destination\): mkdirat: .*the file system is read-only\)/);
  lab.remove(t, fixed);
});

hidden('links of a container lead nowhere but into its own root, and none says what is removed', (t) => {
  const { id, root } = running({ linux: { maskedPaths: ['/proc/keys', '/bin/wall'], readonlyPaths: ['/proc/sys'] } });
  const links = { climbing: '../../../../../../srv', absolute: '/srv', process: '/proc/1', itself: '/proc/self/root/srv', kernel: '/proc', dead: '/nowhere/at/all' };
  for (const [name, aim] of Object.entries(links)) symlinkSync(aim, join(root, name));
  const outside = existsSync('/srv') ? readdirSync('/srv') : [];
  for (const [place, where] of [['/climbing', '/srv'], ['/absolute/a', '/srv/a'], ['/dead', '/nowhere/at/all']] as const) {
    t.is(mounts('add', id, [bind(place)]).code, 0, place);
    t.truthy(mounted(id, where), place);
    t.regex(mounts('remove', id, [{ destination: place }]).stderr, /a link on the way: name the place itself/);
    t.is(mounts('remove', id, [{ destination: where }]).code, 0, where);
  }
  for (const place of ['/process', '/process/fd', '/itself', '/kernel/keys', '/kernel/sys']) {
    const before = mountsOf(lab.pidOf(id));
    const { code, stderr } = mounts('add', id, [bind(place)]);
    t.is(code, 1, place);
    t.regex(stderr, /^attachMount .*(?:a link leads from there into what is mounted elsewhere|links on the way)/, place);
    t.is(mounts('remove', id, [{ destination: place }]).code, 1, place);
    t.deepEqual(mountsOf(lab.pidOf(id)), before, place);
  }
  for (const place of ['/proc/keys', '/proc/sys', '/bin/wall']) t.regex(mounts('remove', id, [{ destination: place }]).stderr, /nothing can be mounted at|is covered by maskedPaths or readonlyPaths/);
  t.regex(mounts('remove', id, [{ destination: '/' }]).stderr, /the root of a container stays as it is/);
  t.deepEqual(existsSync('/srv') ? readdirSync('/srv') : [], outside);
  t.is(lab.look(id, 'test -s /proc/keys || echo masked'), 'masked\n');
  lab.remove(t, id);
});

hidden('whoever changes the way to a place meanwhile gets nothing to anywhere else', (t) => {
  const script = 'mkdir -p /a/place /b; while :; do mv /a /c; ln -s /proc /a; mv /a /d; mv /c /a; rm /d; done';
  const { id } = running({ args: ['sh', '-c', script] });
  const foreign = () => mountsOf(lab.pidOf(id)).filter(({ target, type }) => type !== 'proc' && (target.startsWith('/proc') || target.startsWith('/sys')));
  const before = foreign();
  let done = 0;
  for (let tries = 0; tries < 40; tries++) done += mounts('add', id, [{ destination: '/a/sys', type: 'tmpfs' }]).code === 0 ? 1 : 0;
  t.log(`${done} of 40`);
  t.deepEqual(foreign(), before);
  lab.remove(t, id);
});

hidden('a container with the mounts of others gets none', async (t) => {
  const shared = ['pid', 'ipc', 'uts', 'network', 'cgroup'].map((type) => ({ type }));
  const other = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', 'echo ready; exec sleep 1000'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((ready) => other.stdout.once('data', ready));
  try {
    for (const [namespaces, word] of [[shared, 'shares'], [[...shared, { type: 'mount', path: namespacePath(other.pid ?? 0, 'mount') }], 'joins']] as const) {
      for (const more of [{}, { root: { path: '/' }, mounts: [] }]) {
        const id = lab.running({ linux: { namespaces }, more });
        for (const verb of ['add', 'remove'] as const) {
          const { code, stderr } = mounts(verb, id, [{ destination: '/mnt', type: 'tmpfs' }]);
          t.is(code, 1);
          t.true(stderr.startsWith(`the container has no mount namespace of its own: its mounts are those of the one that it ${word}`), stderr);
        }
        lab.remove(t, id);
      }
    }
    t.is(mountAt(mountsOf(other.pid ?? 0), '/mnt'), mountAt(mountsOf('self'), '/mnt'));
  } finally {
    other.kill('SIGKILL');
  }
});

hidden('in a user namespace what is made belongs to its root, and id maps are the container\'s', (t) => {
  const ids = [{ containerID: 0, hostID: 100_000, size: 65_536 }];
  const namespaces = ['pid', 'ipc', 'uts', 'mount', 'network', 'cgroup', 'user'].map((type) => ({ type }));
  const root = lab.shiftedRoot();
  const id = lab.running({ linux: { namespaces, uidMappings: ids, gidMappings: ids }, more: { root: { path: root } } });
  const list = [bind('/new/plain'), { ...bind('/new/mapped', 'idmap'), source: join(fixture('busybox'), 'etc') }, { destination: '/new/own', type: 'tmpfs' }, { destination: '/new/other', type: 'tmpfs', options: ['uid=7', 'gid=8', 'mode=750'] }];
  const { code, stderr } = mounts('add', id, list);
  t.is(code, 0, stderr);
  t.is(lab.look(id, 'stat -c "%u %g" /new /new/plain /new/mapped /new/own /new/other; touch /new/own/x; stat -c %u /new/own/x'), '0 0\n65534 65534\n0 0\n0 0\n7 8\n0\n');
  t.is(statSync(join(root, 'new')).uid, 100_000);
  t.regex(mounts('add', id, [{ destination: '/x', type: 'tmpfs', options: ['uid=70000'] }]).stderr, /uid 70000 does not exist in the container/);
  t.is(mounts('remove', id, list).code, 0);
  lab.remove(t, id);
});

hidden('before the start and while it stands still, but not after its end', (t) => {
  const root = lab.ownRoot();
  const id = lab.newId();
  t.is(lab.call('create', '--bundle', lab.bundle({ args: ['sh', '-c', 'cat /early/file > /seen; exec sleep 1000'], more: { root: { path: root } } }), id).code, 0);
  t.is(mounts('add', id, [bind('/early')]).code, 0);
  t.is(lab.status(id), 'created');
  t.is(lab.call('start', id).code, 0);
  t.is(lab.call('pause', id).code, 0);
  t.is(mounts('add', id, [bind('/late')]).code, 0);
  t.is(lab.status(id), 'paused');
  t.is(mounts('remove', id, [bind('/early')]).code, 0);
  t.is(lab.call('resume', id).code, 0);
  t.is(lab.look(id, 'until test -s /seen; do sleep 0.1; done; cat /seen /late/file'), 'of the host\nof the host\n');
  t.is(lab.call('kill', id, 'KILL').code, 0);
  for (const verb of ['add', 'remove'] as const) t.is(mounts(verb, id, [bind('/late')]).stderr, 'container not running\n');
  lab.remove(t, id);
  t.is(mounts('add', id, []).stderr, 'container does not exist\n');
});

hidden('where the host would see it too, nothing is mounted; elsewhere in the same container it is', (t) => {
  const shared = join(source, 'shared');
  mkdirSync(shared);
  execFileSync('mount', ['-t', 'tmpfs', 'shared', shared]);
  execFileSync('mount', ['--make-shared', shared]);
  try {
    mkdirSync(join(shared, 'place'));
    const volume = { destination: '/vol', type: 'bind', source: shared, options: ['rbind', 'rshared'] };
    const { id } = running({ more: { mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }, volume] } });
    for (const asked of [bind('/vol/place'), { destination: '/vol/place', type: 'tmpfs' }]) t.regex(mounts('add', id, [asked]).stderr, /would appear on the host too/);
    t.regex(mounts('add', id, [bind('/mnt', 'rshared')]).stderr, /leave shared and slave out|a mount that passes events on/);
    t.false(mountsOf('self').some(({ target }) => target.startsWith(`${shared}/`)));
    t.is(mounts('add', id, [bind('/mnt'), { destination: '/mnt/x/../../own', type: 'tmpfs' }]).code, 0);
    t.deepEqual([mounted(id, '/mnt')?.propagation, mounted(id, '/own')?.propagation], [[], []]);
    lab.remove(t, id);
  } finally {
    execFileSync('umount', ['-R', shared]);
  }
});

hidden('all of a list, or none', (t) => {
  const { id } = running();
  const before = mountsOf(lab.pidOf(id));
  const { code, stderr } = mounts('add', id, [bind('/one'), { destination: '/two', type: 'tmpfs' }, { ...bind('/bin'), source: join(source, 'folder/file') }, bind('/four')]);
  t.is(code, 1);
  t.regex(stderr, /^attachMount \/bin .*a file is/);
  t.deepEqual(mountsOf(lab.pidOf(id)), before);
  lab.remove(t, id);
});

hidden('what is wrong is said, and nothing done', (t) => {
  const { id } = running();
  const before = mountsOf(lab.pidOf(id));
  const rows: readonly (readonly [verb: 'add' | 'remove', list: unknown, says: RegExp])[] = [
    ['add', { mounts: [] }, /holds no array of mounts/],
    ['add', [{ type: 'tmpfs' }], /\/mounts\/0/],
    ['add', [{ ...bind('/x'), source: '/no/such' }], /^openTree \/no\/such \(\/mounts\/0\/source\): open_tree: no such file or directory/],
    ['add', [bind('/x', 'noexce')], /'noexce' is not known for a bind mount/],
    ['add', [{ destination: '/x', type: 'tmpfs', options: ['sice=1'] }], /unknown mount option/],
    ['add', [{ destination: '/x', type: 'proc', source: 'proc' }], /type 'proc' is made with the container/],
    ['add', [{ destination: '/x', type: 'tmpfs', options: ['tmpcopyup'] }], /option tmpcopyup is not for/],
    ['add', [{ destination: '/dev', options: ['remount', 'rw'] }], /option remount is not for/],
    ['add', [bind('/')], /the root of a container stays/],
    ['remove', [{ destination: '/tmp' }], /nothing is mounted there/],
    ['remove', [{ destination: '/no/such' }], /there is no such place/],
  ];
  for (const [verb, list, says] of rows) {
    const { code, stderr } = mounts(verb, id, list);
    t.is(code, 1, says.source);
    t.regex(stderr, says);
    t.deepEqual(mountsOf(lab.pidOf(id)), before, says.source);
  }
  t.regex(lab.call('mounts', 'list', id, '-').stderr, /"list" is neither add nor remove/);
  t.regex(lab.call('mounts', 'add', id).stderr, /requires exactly 3 argument/);
  t.regex(lab.call('mounts', 'add', id, '/no/such').stderr, /^open \/no\/such: no such file or directory\n$/);
  t.regex(lab.call('mounts', '--help').stdout, /mounts \[command options\] add\|remove <container-id> <file>/);
  lab.remove(t, id);
});

hidden('killed in between, it leaves nothing on the host, and goes again', async (t) => {
  t.timeout(120_000);
  const { id } = running();
  const list = Array.from({ length: 30 }, (_each, index) => (index % 2 === 0 ? bind(`/many/${index}`) : { destination: `/many/${index}`, type: 'tmpfs' }));
  const file = join(lab.folder, 'many.json');
  writeFileSync(file, JSON.stringify(list));
  const host = mountsOf('self');
  let killed = 0;
  for (let afterMs = 1; afterMs <= 40; afterMs += 3) {
    killed += (await lab.beginAndKill(afterMs, 'mounts', 'add', id, file)) ? 1 : 0;
    await until(() => lab.traces(id).every((trace) => !trace.startsWith('launcher')), 'no launcher');
    t.deepEqual(mountsOf('self'), host);
    const left = mountsOf(lab.pidOf(id)).filter(({ target }) => target.startsWith('/many/')).map(({ target }) => ({ destination: target }));
    t.is(mounts('remove', id, left.reverse()).code, 0);
  }
  t.true(killed > 0);
  t.is(lab.call('mounts', 'add', id, file).code, 0);
  t.is(mountsOf(lab.pidOf(id)).filter(({ target }) => target.startsWith('/many/')).length, 30);
  t.is(readFileSync(join(source, 'folder/file'), 'utf8'), 'of the host\n');
  lab.remove(t, id);
});
