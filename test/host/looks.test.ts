// Commands that look, or take images away: what is not there is not made, and no process is started.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { recordedContainers, Runtime, storedImages } from '../../src/index.js';
import { CliLab } from '../support/cli-lab.js';
import { makeImage } from '../support/images.js';
import { Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { saveImages } from '../support/saved-images.js';

const lab = new CliLab();
/** For its folders alone. */
const folders = new Lab();
const here = needs('root', 'userns', 'overlay');
const traced = needs('root', 'command:strace');

interface Traced {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  /** System calls that make a process or a folder, but for threads. */
  readonly made: readonly string[];
}

function trace(words: readonly string[], env: Readonly<Record<string, string>>): Traced {
  const path = join(folders.scratch, 'trace');
  const calls = 'trace=execve,fork,vfork,clone,clone3,mkdir,mkdirat';
  const { status, stdout, stderr } = spawnSync('strace', ['-f', '-o', path, '-e', calls, '-e', 'signal=none', ...lab.command, ...words], {
    env: { ...process.env, ...env, NO_COLOR: '1' }, encoding: 'utf8', timeout: 60_000 * patience, killSignal: 'SIGKILL',
  });
  const [, ...made] = readFileSync(path, 'utf8').split('\n').filter((line) => /(?:execve|fork|clone3?|mkdirat|mkdir)\(/.test(line) && !/CLONE_THREAD|= -1 EEXIST/.test(line));
  return { code: status, stdout, stderr, made };
}

const missing = "tsrun: there is no container 'x'";

traced('where nothing was ever made they find nothing, make nothing and start nothing', (t) => {
  const folder = mkdtempSync(join(folders.scratch, 'empty-'));
  const env = { TSRUN_ROOT: join(folder, 'state'), TSRUN_IMAGES: join(folder, 'images') };
  const cases: readonly (readonly [words: readonly string[], code: number, stdout: RegExp, complaint: string])[] = [
    [['ps'], 0, /^CONTAINER +IMAGE +COMMAND +CREATED +STATUS\n$/, ''],
    [['ps', '--all', '--json'], 0, /^\[\]\n$/, ''],
    [['ps', '--quiet'], 0, /^$/, ''],
    [['images', '--quiet'], 0, /^$/, ''],
    [['inspect', 'x'], 1, /^$/, `${missing}, and there is no image 'x' in the store`],
    [['inspect', '--isolation', 'x'], 1, /^$/, missing],
    [['inspect', '--diff', 'y', 'x'], 1, /^$/, missing],
    [['logs', 'x'], 1, /^$/, missing],
    [['rmi', 'x'], 1, /^$/, "tsrun: there is no image 'x' in the store"],
    [['prune', '--all'], 0, /^Total reclaimed space: 0B\n$/, ''],
  ];
  for (const [words, code, stdout, complaint] of cases) {
    const said = trace(words, env);
    t.deepEqual([said.code, said.stderr.split('\n')[0], said.made], [code, complaint, []], words.join(' '));
    t.regex(said.stdout, stdout, words.join(' '));
  }
  t.deepEqual(readdirSync(folder), []);
  // What starts a launcher is seen to.
  t.true(trace(['gc'], env).made.length > 1);
});

traced('a state root that cannot be one is an error, also for a look', (t) => {
  const file = join(folders.scratch, 'file');
  writeFileSync(file, '');
  const env = { TSRUN_IMAGES: join(folders.scratch, 'none') };
  t.regex(trace(['ps'], { ...env, TSRUN_ROOT: file }).stderr, /^tsrun: the folder for runtime state ".*" cannot be used: a part of its path is no folder \(ENOTDIR\)/);
  t.regex(trace(['ps'], { ...env, TSRUN_ROOT: 'state' }).stderr, /^tsrun: TSRUN_ROOT: "state" is not an absolute path/);
  t.throws(() => recordedContainers({ root: 'state' }), { message: /option \/root: "state" is not an absolute path/ });
});

needs('root', 'command:strace', 'userns', 'overlay')('an image is taken away without a launcher', async (t) => {
  const archive = saveImages(join(folders.scratch, 'app.tar'), { names: ['app:1'], layers: [makeImage(folders)] });
  t.is((await lab.tsrun(['load', '--quiet', archive])).code, 0);
  const { code, stdout, made } = trace(['rmi', 'app:1'], lab.env);
  t.is(code, 0);
  t.regex(stdout, /^Untagged: app:1\nDeleted: sha256:/);
  t.deepEqual(made, []);
  for (const each of ['layers', 'blobs/sha256', 'images', 'names', 'tmp']) t.deepEqual(readdirSync(join(lab.imageRoot, each)), [], each);
});

here('what a dead launcher left is passed over by a look, and collected before images are taken away', async (t) => {
  const archive = saveImages(join(folders.scratch, 'held.tar'), { names: ['held:1'], layers: [makeImage(folders)] });
  t.is((await lab.tsrun(['load', '--quiet', archive])).code, 0);
  const id = lab.newId();
  t.is((await lab.tsrun(['run', '--detach', '--name', id, 'held:1', 'sleep', '1000'])).code, 0);
  const known = recordedContainers({ root: lab.stateRoot });
  const { pid = 0, state } = known.inspect(id);
  t.is(state, 'running');
  t.deepEqual(known.list().map((each) => each.id), [id]);
  t.is(known.isolation(id).pid, pid);
  process.env['TSRUN_ROOT'] = lab.stateRoot;
  const images = storedImages({ imageRoot: lab.imageRoot });
  t.deepEqual((await images.prune({ all: true })).removed, [], 'it is used');
  process.kill(Number(/^PPid:\t(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]), 'SIGKILL');
  await lab.until('the end of the container', () => !existsSync(`/proc/${pid}`));
  t.deepEqual(known.list(), []);
  t.throws(() => known.inspect(id), { message: `there is no container '${id}'` });
  t.true(existsSync(known.statePath(id)), 'a look takes nothing away');
  t.deepEqual((await images.remove('held:1')).untagged, ['docker.io/library/held:1']);
  t.false(existsSync(known.statePath(id)));
  t.deepEqual(readdirSync(join(lab.imageRoot, 'layers')), []);
  await (await Runtime.open({ root: lab.stateRoot })).close();
});

/** In a mount namespace in which the store is mounted read-only. */
function readOnly(...words: readonly string[]): Omit<Traced, 'made'> {
  const script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"';
  const line = ['--mount', '--propagation', 'private', 'sh', '-c', script, lab.imageRoot, ...lab.command, ...words];
  const { status, stdout, stderr } = spawnSync('unshare', line, { env: { ...process.env, ...lab.env, NO_COLOR: '1' }, encoding: 'utf8', timeout: 60_000 * patience, killSignal: 'SIGKILL' });
  return { code: status, stdout, stderr };
}

here('a store that is mounted read-only can be looked at; what would change it says so', async (t) => {
  const archive = saveImages(join(folders.scratch, 'still.tar'), { names: ['still:1'], layers: [makeImage(folders)] });
  t.is((await lab.tsrun(['load', '--quiet', archive])).code, 0);
  const before = readdirSync(lab.imageRoot, { recursive: true }).sort();
  const looks = [['images'], ['images', '--json'], ['inspect', 'still:1'], ['history', '--no-trunc', '--json', 'still:1'], ['layers', 'still:1']];
  for (const words of looks) {
    const { code, stdout, stderr } = readOnly(...words);
    t.deepEqual([code, stderr, stdout], [0, '', (await lab.tsrun(words)).stdout], words.join(' '));
  }
  const copy = join(folders.scratch, 'copy.tar');
  t.is(readOnly('save', '--quiet', '--format', 'oci', '-o', copy, 'still:1').code, 0, 'it is written elsewhere');
  for (const words of [['tag', 'still:1', 'still:2'], ['rmi', 'still:1'], ['prune', '--all'], ['load', '--quiet', copy], ['run', '--rm', 'still:1', 'true']]) {
    const { code, stderr } = readOnly(...words);
    t.not(code, 0, words.join(' '));
    t.regex(stderr, /^tsrun: '.*' of the image store cannot be used: its file system is read-only \(EROFS\)\nhint: a store that is read-only can be looked at alone/m, words.join(' '));
  }
  t.deepEqual(readdirSync(lab.imageRoot, { recursive: true }).sort(), before);
  t.is((await lab.tsrun(['rmi', 'still:1'])).code, 0);
});

needs('root', 'userns', 'overlay', 'command:skopeo')('what a store that is read-only has compressed is saved as it is', async (t) => {
  const archive = saveImages(join(folders.scratch, 'plain.tar'), { names: ['packed:1'], layers: [makeImage(folders)] });
  const layout = join(folders.scratch, 'packed');
  const { status, stderr } = spawnSync('skopeo', ['--insecure-policy', 'copy', '--quiet', `docker-archive:${archive}`, `oci:${layout}:v1`], { encoding: 'utf8' });
  t.deepEqual([status, stderr], [0, '']);
  t.is((await lab.tsrun(['load', '--quiet', '--name', 'packed:1', layout])).code, 0);
  const destination = join(folders.scratch, 'packed.tar');
  const refused = readOnly('save', '--quiet', '-o', destination, 'packed:1');
  t.regex(refused.stderr, /^tsrun: '.*' cannot be written: EROFS\nhint: from a store that is read-only, layers that are compressed are saved as they are with --format oci/);
  t.is(readOnly('save', '--quiet', '--format', 'oci', '-o', destination, 'packed:1').code, 0);
  t.is((await lab.tsrun(['rmi', 'packed:1'])).code, 0);
});

lab.declareLeakTest();
