// What a container has changed of its image: docker's letters, by what overlayfs wrote.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Runtime, TsrunError, type PathChange, type RunOptions } from '../../src/index.js';
import { Lab, outcome } from '../support/lab.js';
import { makeLayers, nameLayers } from '../support/layered-images.js';
import { needs } from '../support/needs.js';
import { UserLab, userNeeds } from '../support/user-lab.js';

const lab = new Lab();
const users = new UserLab(lab);
const here = needs('root', 'userns', 'overlay');
let images = 0;

/** Layers over the busybox image, the topmost first, each with files by their paths. */
function imageOf(...layers: readonly Readonly<Record<string, string>>[]): string {
  const folders = makeLayers(lab.scratch, layers.length + 1);
  cpSync(lab.image, folders.at(-1) ?? '', { recursive: true, verbatimSymlinks: true });
  layers.forEach((files, index) => {
    for (const [path, content] of Object.entries(files)) {
      const file = join(folders[index] ?? '', path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, content);
    }
  });
  return nameLayers(`diff-${images++}`, folders);
}

function lines(changes: readonly PathChange[]): string[] {
  return changes.map(({ kind, path }) => `${kind === 'added' ? 'A' : kind === 'changed' ? 'C' : 'D'} ${path}`);
}

/** Of a container that has done all that it does, and lives. */
async function changesAfter(script: string, options: RunOptions = {}, image = lab.image): Promise<string[]> {
  const runtime = await lab.runtime();
  const container = await lab.idle(options, image);
  const { status, stderr } = await outcome(await runtime.exec(container, { command: ['sh', '-c', script] }));
  if (status.code !== 0) throw new Error(stderr);
  const changes = lines(await runtime.changes(container.id));
  await container.killAll();
  await container.exited;
  return changes;
}

here('files, links and folders that were made, written to, given another mode or owner, removed and replaced', async (t) => {
  const image = imageOf({ 'srv/a': '1', 'srv/deep/er/file': '2', 'srv/replaced/old': '3' }, { 'srv/written': '4', 'srv/same': '5', 'srv/mode/in': '6', 'srv/file': '7' });
  const script = [
    'cd /srv; echo > new; mkdir -p one/two; ln -s nowhere link; mkfifo pipe; echo more >> written; rm a; rm -r deep',
    'rm -r replaced; mkdir replaced; echo > replaced/new; chmod 700 mode; chown app /tmp; rm file; mkdir file; echo > file/in',
  ].join('\n');
  t.deepEqual(await changesAfter(script, {}, image), [
    'C /srv', 'D /srv/a', 'D /srv/deep', 'C /srv/file', 'A /srv/file/in', 'A /srv/link', 'C /srv/mode', 'A /srv/new', 'A /srv/one', 'A /srv/one/two', 'A /srv/pipe',
    'C /srv/replaced', 'A /srv/replaced/new', 'D /srv/replaced/old', 'C /srv/written', 'C /tmp',
  ]);
});

here('what tsrun puts there is no change: mount points, also through links of the image, files below /etc, the working directory', async (t) => {
  const volume = mkdtempSync(join(lab.scratch, 'volume-'));
  const mounts = [{ type: 'bind', source: volume, destination: '/var/run/data/deep' }, { type: 'tmpfs', destination: '/new/tmpfs' }] as const;
  t.deepEqual(await changesAfter('echo > /new/tmpfs/a; echo > /var/run/data/deep/b; echo > /dev/shm/c', { mounts, cwd: '/made/for/it', addHosts: { other: '10.0.0.1' } }), []);
  t.deepEqual(await changesAfter('echo > /new/own; echo > /made/own', { mounts, cwd: '/made/for/it' }), ['A /made', 'A /made/own', 'A /new', 'A /new/own']);
});

here('what the program makes of such a file is a change, also with the same size', async (t) => {
  t.deepEqual(await changesAfter('echo 10.0.0.1 more >> /etc/hosts'), ['C /etc', 'C /etc/hosts']);
  t.deepEqual(await changesAfter('sed s/localhost/localhosT/ /etc/hosts > /tmp/h; cat /tmp/h > /etc/hosts; rm /tmp/h'), ['C /etc', 'C /etc/hosts']);
});

here('under many layers, whose /proc, /sys and /dev are made opaque beforehand', async (t) => {
  const many = imageOf(...Array.from({ length: 60 }, (_, index) => ({ [`srv/${index}`]: '1', 'proc/of-the-image': '2', 'dev/of-the-image': '3' })));
  t.deepEqual(await changesAfter('rm /srv/0 /srv/59; echo > /srv/30; echo > /srv/new', {}, many), ['C /srv', 'D /srv/0', 'C /srv/30', 'D /srv/59', 'A /srv/new']);
});

here('without a user namespace of its own, and of a user without rights', async (t) => {
  t.deepEqual(await changesAfter('chown app /mnt; echo > /home/app/x', { namespaces: { user: 'host' } }), ['C /home', 'C /home/app', 'A /home/app/x', 'C /mnt']);
  t.deepEqual(await changesAfter('cd /tmp; mkdir -m 0 closed', { user: 'app' }), ['C /tmp', 'A /tmp/closed']);
});

here('names of any bytes, and many of them', async (t) => {
  const changes = await changesAfter("cd /tmp; touch \"$(printf 'a\\nb')\" \"$(printf '\\377')\"; for i in $(seq 3000); do : > f$i; done");
  t.is(changes.length, 3003);
  t.true(changes.includes('A /tmp/a\nb') && changes.includes('A /tmp/\ufffd'), changes.slice(0, 3).join());
});

here('one that is paused is looked at as it stands', async (t) => {
  const runtime = await lab.runtime();
  const container = await lab.idle();
  await outcome(await runtime.exec(container, { command: ['touch', '/tmp/file'] }));
  if (container.record.cgroup !== '') await container.pause();
  t.deepEqual(lines(await runtime.changes(container.id)), ['C /tmp', 'A /tmp/file']);
  await container.killAll();
  await container.exited;
});

here('a root on disk: while it runs, and when it has ended until it is removed', async (t) => {
  const runtime = await lab.runtime();
  const container = await lab.idle({ rootStorage: 'disk', autoRemove: false });
  await outcome(await runtime.exec(container, { command: ['sh', '-c', 'echo > /tmp/file; rm /etc/group'] }));
  const expected = ['C /etc', 'D /etc/group', 'C /tmp', 'A /tmp/file'];
  t.deepEqual(lines(await runtime.changes(container.id)), expected);
  await container.killAll();
  await container.exited;
  t.deepEqual(lines(await runtime.changes(container.id)), expected);
  runtime.remove(container.id);
  await t.throwsAsync(runtime.changes(container.id), { code: 'ERR_TSRUN_NOT_FOUND' });
});

here('of a container of another process, and of one that survived its owner', async (t) => {
  const runtime = await lab.runtime();
  const owner = await Runtime.open({ root: lab.stateRoot, imageRoot: lab.imageRoot });
  const container = await owner.run(lab.image, { id: lab.newId(), survive: true, command: ['sh', '-c', 'echo > /tmp/file; echo; sleep 1000'], stdout: 'ignore' });
  for (let at = 0; at < 100 && (await runtime.changes(container.id)).length < 2; at++) await new Promise((resolve) => setTimeout(resolve, 20));
  await owner.close();
  t.deepEqual(lines(await runtime.changes(container.id)), ['C /tmp', 'A /tmp/file']);
  await (await runtime.adopt(container.id)).stop({ graceMs: 0 });
  await runtime.gc();
});

here('where nothing can be told there is an error that says why; a read-only root has no changes', async (t) => {
  const runtime = await lab.runtime();
  const writable = mkdtempSync(join(lab.scratch, 'writable-'));
  cpSync(lab.image, writable, { recursive: true, verbatimSymlinks: true });
  await t.throwsAsync(changesAfter('true', { root: 'writable' }, writable), { code: 'ERR_TSRUN_UNSUPPORTED', message: /writes to its root itself/ });
  t.deepEqual(await changesAfter('! touch /tmp/file', { root: 'read-only' }), []);
  const ended = await lab.start({ command: ['touch', '/tmp/file'], autoRemove: false });
  await ended.exited;
  const error = await t.throwsAsync(runtime.changes(ended.id), { code: 'ERR_TSRUN_STATE', message: /in memory/ });
  t.regex(TsrunError.is(error) ? (error.hint ?? '') : '', /type=disk/);
  runtime.remove(ended.id);
  for (const container of runtime.containers) await container.killAll();
  const controller = new AbortController();
  controller.abort();
  const idle = await lab.idle();
  await t.throwsAsync(runtime.changes(idle.id, { signal: controller.signal }), { code: 'ERR_TSRUN_ABORTED' });
  const wrong: object = { signal: 1 };
  await t.throwsAsync(runtime.changes(idle.id, wrong), { code: 'ERR_TSRUN_INVALID_ARGUMENT' });
  await idle.killAll();
  await idle.exited;
});

here('links that a container makes lead nowhere: nothing of the host is told of', async (t) => {
  t.deepEqual(await changesAfter('mv /tmp /old; ln -s / /tmp; ln -s /etc /old/x; rm -r /mnt; ln -s /proc /mnt'), ['C /mnt', 'A /old', 'A /old/x', 'C /tmp']);
});

here('the upper layer goes with its container, however much is in it', async (t) => {
  const container = await lab.idle({ rootBytes: 64 * 2 ** 20 });
  const runtime = await lab.runtime();
  await outcome(await runtime.exec(container, { command: ['sh', '-c', 'head -c 30000000 /dev/zero > /tmp/zeros'] }));
  t.deepEqual(lines(await runtime.changes(container.id)), ['C /tmp', 'A /tmp/zeros']);
  await container.killAll();
  t.is((await container.exited).signal, 'SIGKILL');
  await t.throwsAsync(runtime.changes(container.id), { code: 'ERR_TSRUN_NOT_FOUND' });
});

needs(...userNeeds)('an ordinary user has its own ids taken into account', async (t) => {
  const [reply] = await users.ask({ do: 'changes', options: { command: ['sleep', '1000'] } });
  t.is(reply?.said, ['changed /etc', 'removed /etc/group', 'changed /home', 'changed /home/app', 'added /home/app/new', 'changed /mnt', 'changed /tmp', 'added /tmp/a'].join('\n'), JSON.stringify(reply));
});

needs('root', 'userns', 'overlay', 'command:podman')('podman tells the same of the same changes', async (t) => {
  const tree = mkdtempSync(join(lab.scratch, 'peer-'));
  cpSync(lab.image, tree, { recursive: true, verbatimSymlinks: true });
  // Of a folder that was made again podman says that it was removed.
  const script = 'cd /etc; rm group; echo x >> passwd; mkdir -p /srv/a/b; echo > /srv/a/b/c; rm -r /home/app; ln -s x /tmp/link; mv /mnt /moved; rm /bin/sh; ln -s busybox /bin/sh';
  const storage = mkdtempSync(join(lab.scratch, 'storage-'));
  const podman = (...words: string[]) => spawnSync('podman', ['--root', storage, '--runroot', `${storage}-run`, '--storage-driver', 'overlay', ...words], { encoding: 'utf8' });
  const archive = join(lab.scratch, 'peer.tar');
  spawnSync('tar', ['-C', tree, '-cf', archive, '.']);
  const imported = podman('import', archive, 'peer:1');
  if (imported.status !== 0) {
    t.log(`podman does not work here: ${imported.stderr.slice(-300)}`);
    t.pass();
    return;
  }
  const created = podman('create', 'peer:1', 'sh').stdout.trim();
  const mounted = podman('mount', created).stdout.trim();
  spawnSync('chroot', [mounted, '/bin/sh', '-c', script]);
  const theirs = podman('diff', created).stdout.trim().split('\n').sort();
  podman('umount', created);
  podman('rm', created);
  podman('rmi', 'peer:1');
  rmSync(storage, { recursive: true, force: true });
  const ours = await changesAfter(script, {}, tree);
  t.deepEqual(ours.toSorted(), theirs);
});

users.declareLeakTests();
