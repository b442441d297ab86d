// What an image's config says holds for its container: each row of conversion.md, seen from inside.
import { chmodSync, chownSync, cpSync, existsSync, lstatSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { ImageConfig, RunConfig } from '../../src/image/documents.js';
import { TsrunError, type RunOptions } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab, type Outcome } from '../support/lab.js';
import { makeLayers, nameLayers } from '../support/layered-images.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');
const digest = `sha256:${'5'.repeat(64)}`;
let names = 0;
let made: readonly string[] | undefined;

/** Two layers: users lie in the lower one, what volumes are of in the upper one. */
function layers(): readonly string[] {
  if (made !== undefined) return made;
  const [top = '', base = ''] = (made = makeLayers(lab.scratch, 2));
  cpSync(makeImage(lab), base, { recursive: true, verbatimSymlinks: true });
  writeFileSync(join(base, 'etc/passwd'), 'root:x:0:0::/root:/bin/sh\nweb:x:1000:1001::/home/web:/bin/sh\n');
  writeFileSync(join(base, 'etc/group'), 'root:x:0:\naudio:x:29:web\nweb:x:1001:\n');
  mkdirSync(join(top, 'empty'), { mode: 0o700 });
  chownSync(join(top, 'empty'), 1000, 1001);
  mkdirSync(join(top, 'full'));
  writeFileSync(join(top, 'full/file'), 'of the image\n');
  mkdirSync(join(base, 'full'));
  writeFileSync(join(base, 'full/below'), '');
  mkdirSync(join(base, 'proc'), { recursive: true });
  writeFileSync(join(base, 'proc/of-the-image'), '');
  mkdirSync(join(top, 'full/inner'));
  writeFileSync(join(top, 'full/inner/kept'), '');
  chmodSync(join(top, 'full/inner'), 0o1770);
  chownSync(join(top, 'full/inner'), 1000, 1001);
  mkdirSync(join(top, 'sub'));
  for (const [name, target] of [['to-root', '.'], ['loop', 'loop'], ['to-proc', '/proc'], ['to-full', '/full'], ['dead', 'made/there'], ['chain', '/dead/deep'], ['climbing', `../../../..${lab.scratch}/outside`], ['sub/dead', 'made'], ['to-mounted', '/mounted/none'], ['odd', '/missing/none/..']] as const) symlinkSync(target, join(top, name));
  return made;
}

/** What the layers hold at their top and below the volume, with what would change if it were written to. */
function snapshot(): unknown {
  return layers().flatMap((layer) => {
    const names = [...readdirSync(layer), ...readdirSync(join(layer, 'full'), { recursive: true, encoding: 'utf8' }).map((name) => join('full', name))];
    return names.sort().map((name) => {
      const { mode, uid, gid, size, mtimeMs, ctimeMs } = lstatSync(join(layer, name));
      return [layer, name, mode, uid, gid, size, mtimeMs, ctimeMs];
    });
  });
}

function imageOf(config: RunConfig, parts: Partial<ImageConfig> = {}): string {
  const architecture = process.arch === 'x64' ? 'amd64' : 'arm64';
  const document: ImageConfig = { os: 'linux', architecture, ...parts, config, rootfs: { type: 'layers', diff_ids: [] } };
  return nameLayers(`localhost/config-${names++}:1`, layers(), { kind: 'image', config: document, digest });
}

async function sh(script: string, config: RunConfig, options: RunOptions = {}): Promise<Outcome> {
  return lab.run({ command: ['sh', '-c', script], ...options }, imageOf(config));
}

async function output(script: string, config: RunConfig, options: RunOptions = {}): Promise<string> {
  const { stdout, stderr, status } = await sh(script, config, options);
  return status.code === 0 ? stdout.trim() : `${status.code}: ${stderr}`;
}

here('entrypoint and command run, and a command of the caller follows the entrypoint', async (t) => {
  const image = imageOf({ Entrypoint: ['echo', 'from'], Cmd: ['the', 'image'] });
  t.is((await lab.run({}, image)).stdout, 'from the image\n');
  t.is((await lab.run({ command: ['me'] }, image)).stdout, 'from me\n');
  t.is((await lab.run({ entrypoint: ['echo', 'alone'] }, image)).stdout, 'alone\n');
});

here('the environment is the image\'s, and the caller\'s over it', async (t) => {
  const config = { Env: ['PATH=/opt:/bin', 'GREETING=hello world', 'EMPTY='] };
  t.is(await output('echo "$PATH|$GREETING|${EMPTY-unset}|$OTHER"', config, { env: { OTHER: '1' } }), '/opt:/bin|hello world||1');
  t.is(await output('echo "$GREETING"', config, { env: { GREETING: 'mine' } }), 'mine');
});

here('the working directory is made where it is missing, with a root that is read-only too', async (t) => {
  t.is(await output('pwd', { WorkingDir: '/srv/not/there' }), '/srv/not/there');
  t.is(await output('pwd', { WorkingDir: '/srv/not/there' }, { root: 'read-only' }), '/srv/not/there');
  t.is(await output('pwd', {}), '/');
  t.is(await output('pwd', { WorkingDir: '/srv//slashes/./' }), '/srv/slashes');
  // Cleaned by their words, as docker does it, also where nothing is there, or a link that leads nowhere.
  for (const root of ['disposable', 'read-only'] as const) {
    for (const folder of ['/dead/x/..', '/missing/../dead', '/dead/../missing/x/../../dead/.']) t.is(await output('pwd', { WorkingDir: folder }, { root }), '/made/there', `${root}: ${folder}`);
    t.is(await output('pwd', { WorkingDir: '/dead/..' }, { root }), '/');
    t.is(await output('pwd', {}, { root, cwd: '/missing/none/..' }), '/missing');
  }
});

here('where links lead nowhere on the way to it, it is made where they lead, inside of the root', async (t) => {
  const outside = join(lab.scratch, 'outside');
  const made: readonly (readonly [folder: string, where: string])[] = [
    ['/dead', '/made/there'], ['/dead/in/it', '/made/there/in/it'], ['/chain/in/it/', '/made/there/deep/in/it'], ['/climbing/x', `${outside}/x`], ['/sub/dead/x', '/sub/made/x'],
  ];
  for (const root of ['disposable', 'read-only'] as const) {
    for (const [folder, where] of made) t.is(await output('pwd', { WorkingDir: folder }, { root }), where, `${root}: ${folder}`);
    const refused = async (folder: string) => t.throwsAsync(sh('pwd', { WorkingDir: folder }, { root, mounts: [{ type: 'tmpfs', destination: '/mounted' }] }), { instanceOf: TsrunError });
    t.regex((await refused('/loop/x')).message, /the links on the way to the working directory '\/loop\/x' go in a circle/);
    t.regex((await refused('/odd')).message, /the working directory '\/odd' does not exist, and is not made where it, or a link of the image that it leads by, ends in '\.\.'/);
    t.regex((await refused('/to-mounted/x')).message, /'\/to-mounted\/x' does not exist, and is not made where a link of the image leads into what is mounted elsewhere/);
  }
  t.false(existsSync(outside), 'nothing is made on the host');
});

here('the user is looked up in the image\'s own files, in whichever layer they lie', async (t) => {
  const id = 'echo $(id -u):$(id -g):$(id -G)';
  t.is(await output(id, { User: 'web' }), '1000:1001:1001 29');
  t.is(await output(id, { User: 'web:audio' }), '1000:29:29');
  t.is(await output(id, { User: '1000:5' }), '1000:5:5');
  t.is(await output(id, { User: '0001000' }), '1000:1001:1001 29', 'as docker reads it');
  t.is(await output('echo $HOME', { User: 'web' }), '/home/web');
  const missing = await sh('true', { User: 'nobody' }).catch((error: unknown) => error);
  t.is(TsrunError.is(missing) && missing.code, 'ERR_TSRUN_USER_NOT_FOUND');
  const high = await sh('true', { User: '4294967295' }).catch((error: unknown) => error);
  t.true(TsrunError.is(high) && high.code === 'ERR_TSRUN_IMAGE' && high.message.includes('User: "4294967295" is not a user') && high.hint === 'name another with --user');
  const nonsense = await sh('true', { User: 'a:b:c' }).catch((error: unknown) => error);
  t.true(TsrunError.is(nonsense) && nonsense.code === 'ERR_TSRUN_IMAGE' && nonsense.message.includes('User'));
});

here('an empty volume is a file system of its own, with the owner and mode of its folder; one with files stays as it is', async (t) => {
  const config = { User: 'web', Volumes: { '/empty': {}, '/full': {}, '/new/volume': {} } };
  t.is(await output('echo > /empty/mine && stat -c "%u %g %a" /empty && grep -c " /empty " /proc/mounts', config), '1000 1001 700\n1');
  t.is(await output('cat /full/file; grep -c " /full " /proc/mounts || true', config), 'of the image\n0');
  t.is(await output('stat -c "%u %a" /new/volume', config), '0 755');
  t.is(await output('echo > /empty/mine && ls /empty', config, { root: 'read-only' }), 'mine');
});

here('volumes that are to be ignored are folders of the root, which a read-only one closes', async (t) => {
  const config = { Volumes: { '/empty': {}, '/full': {}, '/new/volume': {} } };
  t.is(await output('grep -cE " /(empty|full|new/volume) " /proc/mounts; ls -d /new 2>&1; echo x > /empty/mine; cat /full/file', config, { imageVolumes: 'ignore' }), '0\nls: /new: No such file or directory\nof the image');
  const { stderr } = await sh('echo x > /empty/mine; echo x > /full/mine', config, { imageVolumes: 'ignore', root: 'read-only' });
  t.is(stderr.match(/Read-only file system/g)?.length, 2, stderr);
});

here('a volume with files can be written to in a read-only root, by whom its folder lets, and nothing of that comes to the image', async (t) => {
  const config = { Volumes: { '/full': {}, '/full/inner': {}, '/absent/one': {} } };
  const layered = imageOf(config);
  const before = snapshot();
  const container = await lab.start({ command: ['sh', '-c', 'echo changed > /full/file && rm /full/below && touch /full/inner/x /absent/one/x && cat /full/file && ls /full && touch /outside'], root: 'read-only' }, layered);
  const [said, { code }] = await Promise.all([text(container.stdout ?? Readable.from([])), container.exited]);
  t.deepEqual([said, code, container.warnings.filter((warning) => warning.includes('olume'))], ['changed\nfile\ninner\n', 1, []]);
  t.deepEqual(snapshot(), before);
  const script = 'stat -c "%u %g %a" /full /full/inner; touch /full/inner/mine && ls /full/inner; cat /full/file; touch /full/mine';
  const other = await sh(script, { ...config, User: 'web' }, { root: 'read-only' });
  t.is(other.stdout, '0 0 755\n1000 1001 1770\nkept\nmine\nof the image\n');
  t.regex(other.stderr, /\/full\/mine: Permission denied/);
  t.regex(await output('dd if=/dev/zero of=/full/big bs=1M count=70', config, { root: 'read-only' }), /^1: .*No space left/s);
});

here('only the volumes of a read-only root can be written to, wherever links of the image lead, and mounts of the caller\'s stand', async (t) => {
  const config = { Volumes: { '/to-root': {}, '/loop': {}, '/to-proc': {}, '/to-full': {}, '/full/file': {} } };
  const touch = async (path: string, options: RunOptions = {}) => (await sh(`touch ${path} && echo done`, config, { root: 'read-only', ...options })).stdout;
  t.is(await touch('/full/x'), 'done\n');
  for (const path of ['/x', '/../x', '/../../x', '/to-root/x', '/etc/x', '/full-beside']) t.is(await touch(path), '', path);
  const masked = 'stat -f -c %T /to-proc; head -c 1 /proc/kcore | wc -c; echo 1 > /proc/sys/kernel/sysrq || echo refused';
  t.is(await output(masked, config, { root: 'read-only' }), 'proc\n0\nrefused');
  const mounts = [{ type: 'tmpfs', destination: '/to-full/inner' }] as const;
  t.is(await output('ls /full/inner; touch /full/inner/x /full/x; ls /full/inner', config, { root: 'read-only', mounts }), 'x');
});

here('stop sends the image\'s signal', async (t) => {
  const container = await lab.start({ command: ['sh', '-c', 'trap "echo quit; exit 5" QUIT; echo ready; while :; do sleep 0.05; done'] }, imageOf({ StopSignal: 'SIGQUIT' }));
  await new Promise((resolve) => container.stdout?.once('data', resolve));
  t.is((await container.stop({ graceMs: 20_000 })).code, 5);
});

here('the record tells name, digest, annotations and how to ask whether it is well', async (t) => {
  const Healthcheck = { Test: ['CMD', 'true'], Interval: 5_000_000_000 };
  const container = await lab.idle({}, imageOf({ Labels: { team: 'web' }, ExposedPorts: { '80/tcp': {} }, Healthcheck }, { author: 'Ada' }));
  const { record } = (await lab.runtime()).inspect(container.id);
  t.regex(record.image, /^localhost\/config-\d+:1$/);
  t.is(record.imageDigest, digest);
  t.deepEqual(record.healthcheck, Healthcheck);
  t.like(record.spec.annotations, { team: 'web', 'org.opencontainers.image.author': 'Ada', 'org.opencontainers.image.exposedPorts': '80/tcp' });
  await container[Symbol.asyncDispose]();
});

here('an image for another processor is refused before anything is made', async (t) => {
  const error = await lab.run({ command: ['true'] }, imageOf({}, { architecture: 's390x' })).catch((reason: unknown) => reason);
  t.true(TsrunError.is(error) && error.code === 'ERR_TSRUN_IMAGE' && /linux\/s390x.*linux\/(?:amd64|arm64)/.test(error.message));
});

here('its layers are not written to', async (t) => {
  const error = await lab.run({ command: ['true'], root: 'writable' }, imageOf({})).catch((reason: unknown) => reason);
  t.true(TsrunError.is(error) && error.field === '/root');
});

here('started again, it is as it was', async (t) => {
  const image = imageOf({ User: 'web', WorkingDir: '/srv', Env: ['A=1'], Cmd: ['sh', '-c', 'echo $A $(pwd) $(id -u)'] });
  for (let times = 0; times < 3; times++) t.is((await lab.run({}, image)).stdout, '1 /srv 1000\n');
});

lab.declareLeakTest();
