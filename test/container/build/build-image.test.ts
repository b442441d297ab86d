// The rows of image-spec's conversion.md: what an image's config makes of the default profile, and what options make of both.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { userToResolve } from '../../../src/container/build/build-process.js';
import { buildSpec, type BuildInput, type BuiltSpec } from '../../../src/container/build/build-spec.js';
import { checkPlatform } from '../../../src/container/build/check-platform.js';
import { readVolumes, writableVolumes, type ImageVolume } from '../../../src/container/build/image-volumes.js';
import type { RunOptions } from '../../../src/container/options/options.js';
import type { ImageConfig, RunConfig } from '../../../src/image/documents.js';
import type { ResolvedImage } from '../../../src/image/resolved-image.js';
import { resolveUser } from '../../../src/image/users.js';
import { fault, host, input, rootfs } from './build-support.js';

function imageOf(config: RunConfig = {}, parts: Partial<ImageConfig> = {}): ResolvedImage & { readonly config: ImageConfig } {
  const document: ImageConfig = { os: 'linux', architecture: 'amd64', ...parts, config, rootfs: { type: 'layers', diff_ids: [`sha256:${'0'.repeat(64)}`] } };
  return { kind: 'image', rootPath: '/store/layers/1/diff', lowerLayers: [], config: document, digest: `sha256:${'1'.repeat(64)}`, name: 'docker.io/library/app:1' };
}

function build(config: RunConfig, options: RunOptions = {}, changes: Partial<BuildInput> = {}): BuiltSpec {
  return buildSpec({ ...input, ...changes, image: imageOf({ Cmd: ['serve'], ...config }), options });
}

test('beside what its config says, an image gets the default profile as a folder does', (t) => {
  const { spec, extensions } = build({});
  const plain = buildSpec({ ...input, image: { ...rootfs, rootPath: '/store/layers/1/diff' }, options: { command: ['serve'] } });
  const { annotations, ...rest } = spec;
  t.deepEqual(rest, plain.spec);
  t.deepEqual(annotations, { 'org.opencontainers.image.os': 'linux', 'org.opencontainers.image.architecture': 'amd64' });
  t.deepEqual(extensions, plain.extensions);
});

test('WorkingDir is the working directory, and the option over it', (t) => {
  t.is(build({ WorkingDir: '/srv/app' }).spec.process?.cwd, '/srv/app');
  t.is(build({ WorkingDir: '' }).spec.process?.cwd, '/');
  t.is(build({}).spec.process?.cwd, '/');
  t.is(build({ WorkingDir: '/srv/app' }, { cwd: '/tmp' }).spec.process?.cwd, '/tmp');
  t.is(build({}, { cwd: '/srv/none/../x/.' }).spec.process?.cwd, '/srv/x');
});

test('Env is taken as it stands, over what tsrun adds and under what is asked for', (t) => {
  const own = { Env: ['PATH=/opt/bin:/bin', 'A=1', 'B=x y', 'EMPTY=', 'HOME=/srv'] };
  const env = (options: RunOptions) => build(own, options).spec.process?.env ?? [];
  t.deepEqual(env({}).filter((entry) => !entry.startsWith('HOSTNAME=')), ['PATH=/opt/bin:/bin', 'HOME=/srv', 'A=1', 'B=x y', 'EMPTY=']);
  t.true(env({ env: { A: '2', PATH: '/mine' } }).includes('A=2'));
  t.deepEqual(env({ env: { A: '2', PATH: '/mine' } }).filter((entry) => /^(?:A|PATH)=/.test(entry)), ['PATH=/mine', 'A=2']);
});

test('Entrypoint and Cmd are the program', (t) => {
  const config = { Entrypoint: ['/entry'], Cmd: ['a', 'b'] };
  const args = (options: RunOptions) => build(config, options).spec.process?.args;
  t.deepEqual(args({}), ['/entry', 'a', 'b']);
  t.deepEqual(args({ command: ['c'] }), ['/entry', 'c']);
  t.deepEqual(args({ entrypoint: ['/mine'] }), ['/mine']);
});

test('an image that names no program, or one without a name, is refused unless one is given', (t) => {
  const none = imageOf({});
  t.is(fault(() => buildSpec({ ...input, image: none, options: {} })).field, '/command');
  t.is(fault(() => build({ Entrypoint: ['/entry'], Cmd: ['a'] }, { entrypoint: [] })).field, '/command');
  const nameless = fault(() => build({ Entrypoint: [''] }));
  t.deepEqual([nameless.code, nameless.hint], ['ERR_TSRUN_IMAGE', 'name one with --entrypoint']);
  t.is(fault(() => build({}, { command: [''] })).code, 'ERR_TSRUN_INVALID_ARGUMENT');
});

const accounts: Readonly<Record<string, string>> = {
  '/etc/passwd': 'root:x:0:0::/root:\nweb:x:1000:1001::/home/web:\n',
  '/etc/group': 'audio:x:29:web\nweb:x:1001:\n',
};

function userOf(User: string, options: RunOptions = {}) {
  const image = imageOf({ Cmd: ['serve'], User });
  const user = resolveUser(userToResolve(options, image), [], (path) => Buffer.from(accounts[path] ?? ''));
  const { uid, gid, additionalGids } = buildSpec({ ...input, image, user, options }).spec.process?.user ?? { uid: -1, gid: -1 };
  return [uid, gid, additionalGids];
}

test('User in its six forms, and root where it is empty', (t) => {
  t.deepEqual(userOf('web'), [1000, 1001, [1001, 29]]);
  t.deepEqual(userOf('1000'), [1000, 1001, [1001, 29]]);
  t.deepEqual(userOf('web:audio'), [1000, 29, [29]]);
  t.deepEqual(userOf('1000:29'), [1000, 29, [29]]);
  t.deepEqual(userOf('1000:audio'), [1000, 29, [29]]);
  t.deepEqual(userOf('web:5'), [1000, 5, [5]]);
  t.deepEqual(userOf('4000'), [4000, 0, [0]]);
  t.deepEqual(userOf(''), [0, 0, [0]]);
  t.deepEqual(userOf('web', { user: '7:8' }), [7, 8, [8]]);
  t.is(fault(() => userOf('nobody-here')).code, 'ERR_TSRUN_USER_NOT_FOUND');
});

test('Labels, ports and what describes the image become annotations, which options win over', (t) => {
  const config = { Labels: { 'org.opencontainers.image.os': 'plan9', team: 'web' }, ExposedPorts: { '80/tcp': {}, '443/tcp': {} }, StopSignal: 'SIGINT' };
  t.deepEqual(build(config, { annotations: { team: 'mine' }, labels: { a: 'b' } }).spec.annotations, {
    'org.opencontainers.image.os': 'plan9',
    'org.opencontainers.image.architecture': 'amd64',
    'org.opencontainers.image.exposedPorts': '80/tcp,443/tcp',
    'org.opencontainers.image.stopSignal': 'SIGINT',
    team: 'mine',
    'tsrun.label.a': 'b',
  });
});

test('StopSignal is what stop sends, and the option over it; a label of that name is no signal', (t) => {
  t.is(build({ StopSignal: 'SIGQUIT' }).stopSignal, 3);
  t.is(build({ StopSignal: 'RTMIN+3' }).stopSignal, 37);
  t.is(build({ StopSignal: '' }).stopSignal, 15);
  t.is(build({}).stopSignal, 15);
  t.is(build({ StopSignal: 'SIGQUIT' }, { stopSignal: 'INT' }).stopSignal, 2);
  t.is(build({ Labels: { 'org.opencontainers.image.stopSignal': 'nonsense' } }).stopSignal, 15);
});

const volume = (destination: string, parts: Partial<ImageVolume> = {}): ImageVolume => ({ destination, content: 'empty', mode: 0o755, uid: 0, gid: 0, ...parts });
const mountsOf = (volumes: readonly ImageVolume[], options: RunOptions = {}, changes: Partial<BuildInput> = {}) =>
  (build({}, options, { volumes, ...changes }).spec.mounts ?? []).filter(({ destination }) => volumes.some((each) => each.destination === destination));

test('a volume is a file system of its own, with the owner and mode that its folder has in the image', (t) => {
  t.deepEqual(mountsOf([volume('/data', { mode: 0o1770, uid: 5, gid: 6 })]), [
    { destination: '/data', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1770', 'uid=5', 'gid=6', 'size=67108864'] },
  ]);
  t.true(mountsOf([volume('/data', { content: 'absent' })], { rootBytes: '1g' })[0]?.options?.includes('size=1073741824'));
});

test('a volume with files stays in the root, and so does one whose owner does not exist in the container', (t) => {
  t.deepEqual(mountsOf([volume('/data', { content: 'full' })]), []);
  t.deepEqual(mountsOf([volume('/data', { uid: 70_000 })]), []);
});

test('a volume without a mount of its own stays writable in a read-only root, deeper ones first', (t) => {
  const full = { content: 'full' } as const;
  const volumes = [volume('/a', full), volume('/a/b', full), volume('/own'), volume('/srv/db', full), volume('/proc/x', full), volume('/unmapped', { uid: 70_000 })];
  const paths = (options: RunOptions) => build({}, options, { volumes }).extensions.writablePaths;
  t.deepEqual(paths({ root: 'read-only' }), ['/unmapped', '/srv/db', '/a/b', '/a']);
  t.deepEqual(paths({ root: 'read-only', mounts: [{ type: 'bind', source: '/x', destination: '/srv/' }] }), ['/unmapped', '/a/b', '/a']);
  t.is(paths({}), undefined);
  t.deepEqual(writableVolumes([volume('/gone', { content: 'absent' })], []), []);
});

test('a mount of the caller\'s at a volume or above it covers it, and the kernel\'s and the runtime\'s own places stand', (t) => {
  const bind = (destination: string): RunOptions => ({ mounts: [{ type: 'bind', source: '/srv', destination }] });
  t.deepEqual(mountsOf([volume('/data')], bind('/data/')).map(({ type }) => type), ['bind']);
  t.deepEqual(mountsOf([volume('/data/db')], bind('/data')), []);
  t.is(mountsOf([volume('/data')], bind('/data/db')).length, 1);
  t.is(mountsOf([volume('/database')], bind('/data')).length, 1);
  const kept = mountsOf(['/sys/fs/cgroup', '/sys/x', '/dev/shm', '/proc/x', '/dev'].map((path) => volume(path)));
  t.deepEqual(kept.map(({ destination, source }) => [destination, source]), [['/dev', 'tmpfs'], ['/dev/shm', 'shm'], ['/sys/fs/cgroup', 'cgroup']]);
});

test('volumes are looked up in the layers, with their owners', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'tsrun-volumes-'));
  try {
    mkdirSync(join(root, 'empty'), { mode: 0o700 });
    mkdirSync(join(root, 'full'));
    writeFileSync(join(root, 'full/file'), '');
    writeFileSync(join(root, 'file'), '');
    const image = { ...imageOf({ Volumes: { '/empty': {}, '/full': {}, '/file': {}, '/absent': {} } }), rootPath: root };
    const self = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
    const look = (owner: typeof self) => readVolumes(image, () => false, owner).map(({ destination, content, mode, uid }) => [destination, content, mode, uid]);
    const expected = [['/absent', 'absent', 0o755, 0], ['/empty', 'empty', 0o700, 0], ['/file', 'full', 0o755, 0], ['/full', 'full', 0o755, 0]];
    t.deepEqual(look(self), expected);
    // An ordinary user's layers hold ids that only its own user namespace gives a meaning.
    t.is(look({ uid: self.uid + 1, gid: 5 })[1]?.[1], 'full');
    t.deepEqual(readVolumes(rootfs, () => false, self), []);
  } finally {
    rmSync(root, { recursive: true });
  }
});

test('an image for another processor is refused, with the names of both, unless an interpreter runs it', (t) => {
  const none = () => undefined;
  t.deepEqual(checkPlatform(imageOf(), host, none), []);
  t.deepEqual(checkPlatform(rootfs, host, none), []);
  const arm = imageOf({}, { architecture: 'arm64', variant: 'v8' });
  const error = fault(() => checkPlatform(arm, host, none));
  t.is(error.code, 'ERR_TSRUN_IMAGE');
  t.regex(error.message, /is for linux\/arm64\/v8, and this host is linux\/amd64/);
  t.deepEqual(checkPlatform(arm, { arch: 'arm64' }, none), []);
  t.regex(checkPlatform(arm, host, () => '/usr/bin/qemu-aarch64')[0] ?? '', /qemu-aarch64 interprets/);
  t.regex(fault(() => checkPlatform(imageOf({}, { os: 'windows' }), host, () => '/x')).message, /is for windows\/amd64/);
});
