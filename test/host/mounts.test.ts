// Mounts that are asked for: binds, tmpfs, their attributes, propagation, and the errors of each.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { TsrunError, type MountOption, type RunOptions } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { mountAt, mountsOf, type MountLine } from '../support/proc.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');
let volumes = 0;

function volume(): string {
  const folder = join(lab.scratch, `volume-${volumes++}`);
  mkdirSync(folder, { mode: 0o777 });
  spawnSync('chmod', ['777', folder]);
  return folder;
}

const bind = (source: string, more: Partial<MountOption> = {}): MountOption => ({ type: 'bind', source, destination: '/vol', ...more });

async function mountsWith(options: RunOptions): Promise<readonly MountLine[]> {
  const container = await lab.idle(options);
  const mounts = mountsOf(container.pid);
  await container[Symbol.asyncDispose]();
  return mounts;
}

/** Mounts a tmpfs in a folder while `body` runs. */
async function withMounted(folder: string, options: string, body: () => Promise<void>): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]);
  if (mounted.status !== 0) throw new Error(mounted.stderr.toString());
  try {
    await body();
  } finally {
    spawnSync('umount', ['-l', folder]);
  }
}

here('a bind shows a folder of the host and lets it be written; read-only not', async (t) => {
  const folder = volume();
  writeFileSync(join(folder, 'given'), 'from outside\n');
  const { stdout } = await lab.sh('cat /vol/given; echo from inside >/vol/made', { mounts: [bind(folder)] });
  t.is(stdout, 'from outside\n');
  t.is(readFileSync(join(folder, 'made'), 'utf8'), 'from inside\n');
  const readonly = await lab.sh('cat /vol/given; touch /vol/x; rm /vol/given', { mounts: [bind(folder, { readonly: true })] });
  t.is(readonly.stdout, 'from outside\n');
  t.is(readonly.stderr.match(/Read-only file system/g)?.length, 2);
});

here('files made in a bind belong to the mapped user; with idmap to the same as inside', async (t) => {
  const folder = volume();
  await lab.sh('touch /vol/plain', { mounts: [bind(folder)] });
  t.true(statSync(join(folder, 'plain')).uid >= 524_288);
  const { stdout } = await lab.sh('touch /vol/mapped; stat -c %u /vol/mapped /vol', { mounts: [bind(folder, { options: ['idmap'] })] });
  t.is(stdout, '0\n0\n');
  t.is(statSync(join(folder, 'mapped')).uid, 0);
});

here('a single file, a source relative to the caller, and a destination that is not there', async (t) => {
  const folder = volume();
  const file = join(folder, 'file');
  writeFileSync(file, 'content\n');
  const { stdout } = await lab.sh('cat /a/b/c; echo more >>/a/b/c', { mounts: [bind(file, { destination: '/a/b/c', options: ['idmap'] })] });
  t.is(stdout, 'content\n');
  t.is(readFileSync(file, 'utf8'), 'content\nmore\n');
  const relative = await lab.sh('ls /vol/package.json', { mounts: [bind('.')] });
  t.is(relative.stdout, '/vol/package.json\n');
});

here('a bind is nosuid, nodev and nosymfollow unless that is lifted', async (t) => {
  const folder = volume();
  writeFileSync(join(folder, 'target'), 'reached\n');
  symlinkSync('target', join(folder, 'link'));
  spawnSync('mknod', ['-m', '666', join(folder, 'zero'), 'c', '1', '5']);
  const mounts = await mountsWith({ mounts: [bind(folder)] });
  t.deepEqual(['nosuid', 'nodev'].filter((option) => mountAt(mounts, '/vol')?.options.includes(option) !== true), []);
  const { stdout, stderr } = await lab.sh('cat /vol/link; head -c 1 /vol/zero; cat /vol/target', { mounts: [bind(folder)] });
  t.is(stdout, 'reached\n');
  t.regex(stderr, /vol\/link.*(?:Too many|symbolic)/);
  t.regex(stderr, /vol\/zero.*Permission denied/);
  const lifted = await lab.sh('cat /vol/link; head -c 2 /vol/zero | wc -c', { mounts: [bind(folder, { options: ['symfollow', 'dev'] })] });
  t.is(lifted.stdout, 'reached\n2\n');
});

here('a folder\'s own mounts come along only with rbind, and rro reaches them', async (t) => {
  const folder = volume();
  await withMounted(join(folder, 'sub'), 'mode=777', async () => {
    writeFileSync(join(folder, 'sub/file'), 'below\n');
    const alone = await lab.sh('ls /vol/sub', { mounts: [bind(folder, { options: ['bind'] })] });
    t.is(alone.stdout, '');
    const all = await lab.sh('cat /vol/sub/file; touch /vol/sub/made', { mounts: [bind(folder, { options: ['rbind'] })] });
    t.is(all.stdout, 'below\n');
    t.is(all.status.code, 0);
    for (const mount of [bind(folder, { options: ['rbind', 'rro'] }), bind(folder, { options: ['rbind'], readonly: true })]) {
      const { stderr } = await lab.sh('touch /vol/x; touch /vol/sub/x', { mounts: [mount] });
      t.is(stderr.match(/Read-only file system/g)?.length, 2, JSON.stringify(mount));
    }
  });
});

here('what is mounted on either side later stays on that side', async (t) => {
  const folder = volume();
  mkdirSync(join(folder, 'later'));
  await withMounted(folder, 'mode=777', async () => {
    spawnSync('mount', ['--make-shared', folder]);
    mkdirSync(join(folder, 'later'), { recursive: true });
    const container = await lab.idle({ mounts: [bind(folder, { options: ['rbind'] }), bind(folder, { destination: '/slave', options: ['rbind', 'rslave'] })] });
    const mounts = mountsOf(container.pid);
    t.deepEqual(mountAt(mounts, '/vol')?.propagation, []);
    t.regex(mountAt(mounts, '/slave')?.propagation[0] ?? '', /^master:\d+$/);
    await withMounted(join(folder, 'later'), 'mode=777', async () => {
      writeFileSync(join(folder, 'later/file'), 'x');
      const { stdout } = await lab.exec(container, { command: ['sh', '-c', 'ls /vol/later; echo --; ls /slave/later'] });
      t.is(stdout, '--\nfile\n');
    });
    await container[Symbol.asyncDispose]();
  });
});

here('a tmpfs has a size by default and by option, and the walls of its options', async (t) => {
  const mounts: MountOption[] = [
    { type: 'tmpfs', destination: '/small', options: ['size=1m'] },
    { type: 'tmpfs', destination: '/plain' },
    { type: 'tmpfs', destination: '/ro', readonly: true },
    { type: 'tmpfs', destination: '/exec', options: ['exec', 'mode=0700'] },
  ];
  const lines = await mountsWith({ mounts });
  t.true(mountAt(lines, '/plain')?.superOptions.includes('size=65536k'));
  t.deepEqual(['nosuid', 'nodev', 'noexec'].filter((option) => mountAt(lines, '/plain')?.options.includes(option) !== true), []);
  t.false(mountAt(lines, '/exec')?.options.includes('noexec'));
  t.true(mountAt(lines, '/ro')?.options.includes('ro'));
  const { stdout } = await lab.sh('dd if=/dev/zero of=/small/x bs=64k count=32 2>/dev/null; wc -c </small/x; stat -c "%a %u" /plain /exec; cp /bin/busybox /plain/; /plain/busybox true 2>/dev/null || echo not executed; touch /ro/x 2>/dev/null || echo read-only', { mounts });
  const [size, plain, exec, ...rest] = stdout.trim().split('\n');
  t.is(size, '1048576');
  t.deepEqual([plain, exec], ['1777 0', '700 0']);
  t.deepEqual(rest, ['not executed', 'read-only']);
});

here('mounts are attached from the root down, and one takes the place of a default one', async (t) => {
  const folder = volume();
  writeFileSync(join(folder, 'file'), 'bound\n');
  const { stdout } = await lab.sh('cat /a/b/file; ls /a; cat /dev/shm/file; cat /etc/hosts', {
    mounts: [
      bind(folder, { destination: '/a/b' }),
      { type: 'tmpfs', destination: '/a' },
      bind(folder, { destination: '/dev/shm' }),
      bind(join(folder, 'file'), { destination: '/etc/hosts' }),
    ],
  });
  t.is(stdout, 'bound\nb\nbound\nbound\n');
});

here('links of the image on the way to a mount target lead nowhere but into the image', async (t) => {
  const folder = volume();
  writeFileSync(join(folder, 'file'), 'x');
  const image = makeImage(lab, { folders: ['real'], links: { absolute: '/real', climbing: '../../../../real' } });
  const [absolute, below] = ['/absolute', '/climbing/sub'].map((destination) => bind(folder, { destination }));
  if (absolute === undefined || below === undefined) return t.fail();
  t.is((await lab.sh('ls /real/file', { mounts: [absolute] }, image)).stdout, '/real/file\n');
  t.is((await lab.sh('ls /real/sub/file', { mounts: [below] }, image)).stdout, '/real/sub/file\n');
  const error = await t.throwsAsync(lab.idle({ mounts: [absolute, below] }, image), { instanceOf: TsrunError });
  t.regex(error.message, /^'\/climbing\/sub' leads by a link of the image into what is mounted elsewhere/);
  t.deepEqual(readdirSync(folder), ['file'], 'no place to mount on is made in the volume');
  const named = [bind(folder, { destination: '/vol', options: ['idmap'] }), bind(folder, { destination: '/vol/inner' })];
  t.is((await lab.sh('ls /vol/inner', { mounts: named }, image)).stdout, 'file\ninner\n', 'control: who asks for it has it');
});

here('where a link of the image leads nowhere, the place is made that it leads to', async (t) => {
  const image = makeImage(lab, { links: { data: 'deep/nowhere', file: '/other/file' } });
  const folder = volume();
  const given = join(folder, 'given');
  writeFileSync(given, 'x');
  for (const mount of [bind(folder, { destination: '/data' }), { type: 'tmpfs', destination: '/data' }] as const) {
    t.is((await lab.sh('readlink -f /data; grep -c " /deep/nowhere " /proc/self/mountinfo', { mounts: [mount] }, image)).stdout, '/deep/nowhere\n1\n');
  }
  t.is((await lab.sh('cat /other/file', { mounts: [bind(given, { destination: '/file', options: ['idmap'] })] }, image)).stdout, 'x');
  t.is((await lab.sh('pwd -P', { cwd: '/data' }, image)).stdout, '/deep/nowhere\n');
  t.is((await lab.sh('cat /data/below/file', { mounts: [bind(folder, { destination: '/data/below' })] }, image)).stdout, '');
});

here('links of the image lead no mount and no file of ours into a volume, be it one that propagates to the host', async (t) => {
  const shared = volume();
  spawnSync('mount', ['-t', 'tmpfs', 'shared', shared]);
  t.teardown(() => { spawnSync('umount', ['-R', shared]); });
  spawnSync('mount', ['--make-shared', shared]);
  chmodSync(shared, 0o777);
  writeFileSync(join(shared, 'victim'), 'original\n');
  mkdirSync(join(shared, 'hosts.d'));
  const vol = bind(shared, { destination: '/vol', options: ['rshared'] });
  const mounted = () => mountsOf('self').filter(({ target }) => target.startsWith(shared)).length;
  const count = mounted();
  const tries: readonly (readonly [Readonly<Record<string, string>>, RunOptions])[] = [
    [{ 'etc/hosts': '/vol/victim' }, { root: 'writable' }],
    [{ 'etc/hosts': '/vol/made' }, { root: 'writable' }],
    [{ 'opt/t': '/vol/hosts.d' }, { mounts: [{ type: 'tmpfs', destination: '/opt/t' }] }],
    [{ 'opt/t': '/vol/new' }, { mounts: [{ type: 'tmpfs', destination: '/opt/t' }] }],
    [{ 'opt/t': '/vol' }, { mounts: [bind(shared, { destination: '/opt/t/hosts.d' })] }],
  ];
  for (const [links, options] of tries) {
    const image = makeImage(lab, { links });
    const error = await t.throwsAsync(lab.run({ ...options, command: ['true'], mounts: [vol, ...(options.mounts ?? [])] }, image), { instanceOf: TsrunError }, JSON.stringify(links));
    t.regex(error.message, /by a link of the image into what is mounted elsewhere/);
  }
  const etc = makeImage(lab, {});
  rmSync(join(etc, 'etc'), { recursive: true });
  symlinkSync('/vol', join(etc, 'etc'));
  for (const root of ['disposable', 'writable'] as const) await t.throwsAsync(lab.run({ root, command: ['true'], mounts: [vol] }, etc), { message: /leads by a link of the image into what is mounted elsewhere/ });
  t.deepEqual([readdirSync(shared).sort(), readFileSync(join(shared, 'victim'), 'utf8'), mounted()], [['hosts.d', 'victim'], 'original\n', count]);
  const { stdout } = await lab.sh('cd /work && pwd -P', { mounts: [vol], cwd: '/work' }, makeImage(lab, { links: { work: '/vol/hosts.d' } }));
  t.is(stdout, '/vol/hosts.d\n', 'control: the program may go where links lead');
});

here('each error names the field, the value and what to do', async (t) => {
  const folder = volume();
  const refusals: [MountOption[], RegExp, string][] = [
    [[bind(join(folder, 'none'))], /^option \/mounts\/0\/source: '.*none' does not exist on the host$/, '/mounts/0/source'],
    [[{ type: 'tmpfs', destination: '/vol', options: ['size=1m', 'uid=70000'] }], /user 70000 does not exist in the container/, '/mounts/0/options/1'],
    [[bind(folder, { options: ['nosiud'] })], /nosiud/, '/mounts/0/options'],
    [[bind(folder, { destination: '/' })], /root of the container/, '/mounts/0/destination'],
    [[bind(folder, { destination: '/proc' })], /nothing can be mounted at.*\/proc/, '/mounts/0/destination'],
    [[bind(folder, { destination: '/proc/sys' })], /nothing can be mounted/, '/mounts/0/destination'],
    [[bind(folder, { destination: '/vol/../proc/self' })], /nothing can be mounted/, '/mounts/0/destination'],
    [[bind(folder, { destination: '/dev/pts/1' })], /nothing can be mounted/, '/mounts/0/destination'],
    [[bind(folder), bind(folder)], /two mounts at/, '/mounts/1/destination'],
    [[{ type: 'bind', destination: '/vol' }], /needs a source/, '/mounts/0/source'],
    [[{ type: 'tmpfs', destination: '/vol', source: '/x' }], /no source/, '/mounts/0/source'],
    [[{ type: 'tmpfs', destination: '/vol', options: ['size=lots'] }], /size=lots/, '/mounts/0/options/0'],
  ];
  for (const [mounts, message, field] of refusals) {
    const error = await t.throwsAsync(lab.idle({ mounts }), { instanceOf: TsrunError }, JSON.stringify(mounts));
    t.regex(error.message, message);
    t.true(error.field?.startsWith(field), `${error.field ?? ''} for ${JSON.stringify(mounts)}`);
    t.truthy(error.hint, error.message);
  }
});

here('a target inside a file is refused with its path, and nothing stays', async (t) => {
  const error = await t.throwsAsync(lab.idle({ mounts: [bind(volume(), { destination: '/etc/passwd/x' })] }), { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_SETUP');
  t.regex(error.message, /'\/etc\/passwd\/x'.*ENOTDIR.*from \/mounts\/\d+\/destination/);
  const folder = await t.throwsAsync(lab.idle({ mounts: [bind(volume(), { destination: '/etc/passwd' })] }), { instanceOf: TsrunError });
  t.regex(folder.message, /'\/etc\/passwd'.*ENOTDIR/);
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
