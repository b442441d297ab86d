// Mounts of a bundle, word by word: what is said of the mount alone, maps of its own, and a /dev that is read-only.
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import type { Linux, Mount } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab, type Outcome } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { mountAt, mountsOf, type MountLine } from '../support/proc.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

const map = [{ containerID: 0, hostID: 700_000, size: 65_536 }];
const hostUsers: Linux = { namespaces: [{ type: 'pid' }, { type: 'mount' }] };
const ownUsers: Linux = { namespaces: [{ type: 'pid' }, { type: 'mount' }, { type: 'user' }], uidMappings: map, gidMappings: map };

function bundle(mounts: readonly Mount[], script: string, linux = hostUsers, terminal = false): string {
  const folder = mkdtempSync(join(lab.scratch, 'bundle-'));
  const spec = {
    ociVersion: '1.2.0',
    root: { path: makeImage(lab) },
    process: { user: { uid: 0, gid: 0 }, cwd: '/', args: ['sh', '-c', script], env: ['PATH=/bin'], terminal },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }, ...mounts],
    linux,
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(spec));
  return folder;
}

async function run(mounts: readonly Mount[], script: string, linux?: Linux): Promise<Outcome> {
  return lab.run({}, bundle(mounts, script, linux));
}

async function mountsInside(mount: Mount, linux?: Linux): Promise<readonly MountLine[]> {
  const container = await lab.start({ stdout: 'ignore', stderr: 'ignore' }, bundle([mount], 'sleep 1000', linux));
  const mounts = mountsOf(container.pid);
  await container[Symbol.asyncDispose]();
  return mounts;
}

/** A tmpfs with another below it, both with this propagation, while `body` runs. */
async function withTree(kind: 'shared' | 'private', body: (source: string) => Promise<void>): Promise<void> {
  await lab.runtime(); // Before, as the mounts are compared with those that it finds.
  const source = mkdtempSync(join(lab.scratch, 'tree-'));
  const mount = (folder: string) => {
    mkdirSync(folder, { recursive: true });
    spawnSync('mount', ['-t', 'tmpfs', 'tmpfs', folder]);
    spawnSync('mount', [`--make-${kind}`, folder]);
  };
  mount(source);
  mount(join(source, 'sub'));
  mkdirSync(join(source, 'later'));
  try {
    await body(source);
  } finally {
    spawnSync('umount', ['-l', source]);
  }
}

const groups = (mounts: readonly MountLine[], target: string) => (mountAt(mounts, target)?.propagation ?? ['not there']).map((word) => word.replace(/\d+/, 'N'));
const peers = (mounts: readonly MountLine[], target: string) => mountAt(mounts, target)?.propagation.find((word) => word.startsWith('shared:'));

here('shared and slave are for the mount alone, and with an r for all of the tree', async (t) => {
  await withTree('shared', async (source) => {
    const of = async (word: string) => mountsInside({ destination: '/vol', type: 'bind', source, options: ['rbind', word] });
    for (const [word, top, below] of [
      ['shared', ['shared:N'], []], ['rshared', ['shared:N'], ['shared:N']], ['slave', ['master:N'], []], ['rslave', ['master:N'], ['master:N']], ['private', [], []],
      ['unbindable', ['unbindable'], []], ['runbindable', ['unbindable'], ['unbindable']],
    ] as const) {
      const mounts = await of(word);
      t.deepEqual([groups(mounts, '/vol'), groups(mounts, '/vol/sub')], [[...top], [...below]], word);
    }
    t.is(peers(await of('shared'), '/vol'), peers(mountsOf(process.pid), source), 'with the host');
  });
  await withTree('private', async (source) => {
    for (const [word, top] of [['shared', ['shared:N']], ['slave', []]] as const) {
      const mounts = await mountsInside({ destination: '/vol', type: 'bind', source, options: ['rbind', word] });
      t.deepEqual([groups(mounts, '/vol'), groups(mounts, '/vol/sub')], [[...top], []], word);
    }
  });
});

here('what is mounted in a shared mount shows on the host, below it not', async (t) => {
  await withTree('shared', async (source) => {
    const mounts: Mount[] = [{ destination: '/vol', type: 'bind', source, options: ['rbind', 'shared'] }];
    const held = ['CAP_SYS_ADMIN'];
    const folder = bundle(mounts, '');
    const script = 'mkdir /vol/sub/deep; mount -t tmpfs a /vol/later && mount -t tmpfs b /vol/sub/deep && touch /vol/later/x /vol/sub/deep/x';
    const { status, stderr } = await lab.run({ command: ['sh', '-c', script], capAdd: held, privileged: true }, folder);
    t.is(status.code, 0, stderr);
    const seen = ['later/x', 'sub/deep/x'].map((name) => statSync(join(source, name), { throwIfNoEntry: false }) !== undefined);
    t.deepEqual(seen, [true, false]);
    spawnSync('umount', ['-l', join(source, 'later')]);
  });
});

here('an id map of a mount shows its owners by it, without the word too', async (t) => {
  const source = mkdtempSync(join(lab.scratch, 'owned-'));
  writeFileSync(join(source, 'file'), '');
  chownSync(join(source, 'file'), 1, 2);
  chmodSync(source, 0o755);
  const uidMappings = [{ containerID: 0, hostID: 700_010, size: 10 }];
  const gidMappings = [{ containerID: 0, hostID: 700_020, size: 10 }];
  const of = async (linux: Linux, ...words: string[]) =>
    (await run([{ destination: '/vol', type: 'bind', source, options: ['rbind', ...words], uidMappings, gidMappings }], 'stat -c %u:%g /vol/file', linux)).stdout.trim();
  t.deepEqual([await of(hostUsers), await of(hostUsers, 'idmap'), await of(hostUsers, 'ridmap')], Array(3).fill('700011:700022'));
  t.deepEqual([await of(ownUsers), await of(ownUsers, 'ridmap', 'ro')], Array(2).fill('11:22'));
  const { stdout } = await run([{ destination: '/vol', type: 'bind', source, options: ['bind', 'idmap'] }], 'stat -c %u:%g /vol/file', ownUsers);
  t.is(stdout, '1:2\n', 'the container\'s own map');
});

here('a read-only /dev has its nodes and what is mounted below it, and takes nothing more', async (t) => {
  const mounts: Mount[] = [
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'strictatime', 'mode=755', 'size=65536k', 'ro'] },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['nosuid', 'noexec', 'newinstance', 'ptmxmode=0666', 'mode=0620'] },
    { destination: '/dev/shm', type: 'tmpfs', source: 'shm', options: ['nosuid', 'mode=1777'] },
  ];
  const script = 'echo x >/dev/null && head -c 2 /dev/zero | wc -c && : >/dev/shm/x && test -c /dev/fuse && echo there; : >/dev/x';
  for (const linux of [hostUsers, ownUsers]) {
    const { stdout, stderr } = await run(mounts, script, { ...linux, devices: [{ type: 'c', path: '/dev/fuse', major: 10, minor: 229 }] });
    t.is(stdout, '2\nthere\n');
    t.regex(stderr, /Read-only file system/);
  }
  const terminal = await lab.run({}, bundle(mounts, 'test -c /dev/console && test "$(readlink /proc/self/fd/0)" = /dev/pts/0 && ! touch /dev/x', hostUsers, true));
  t.is(terminal.status.code, 0);
});

here('an overlay over folders of the host, by a launcher that goes on with others, when one fails as well', async (t) => {
  const place = mkdtempSync(join(lab.scratch, 'layers-'));
  spawnSync('mount', ['-t', 'tmpfs', 'layers', place]);
  t.teardown(() => { spawnSync('umount', [place]); });
  for (const name of ['l', 'u', 'w']) mkdirSync(join(place, name));
  writeFileSync(join(place, 'l/file'), 'lower\n');
  const overlay = (...options: string[]): Mount => ({ destination: '/tmp', type: 'overlay', source: 'overlay', options });
  for (const linux of [hostUsers, ownUsers]) {
    const missing = await t.throwsAsync(run([overlay(`lowerdir=${place}/none`)], 'true', linux));
    t.regex(missing.message, /a path of the host is not there: 'lowerdir=\S+none'/);
    t.is((await run([overlay(`lowerdir=${place}/l`, `upperdir=${place}/u`, `workdir=${place}/w`)], 'cat /tmp/file', linux)).stdout, 'lower\n');
    t.is((await run([{ destination: '/mnt', type: 'bind', source: `${place}/l`, options: ['bind'] }], 'cat /mnt/file', linux)).stdout, 'lower\n');
  }
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
