// What an image's config says holds for its container: each row of conversion.md, seen from inside.
import { chownSync, cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
  return made;
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
});

here('the user is looked up in the image\'s own files, in whichever layer they lie', async (t) => {
  const id = 'echo $(id -u):$(id -g):$(id -G)';
  t.is(await output(id, { User: 'web' }), '1000:1001:1001 29');
  t.is(await output(id, { User: 'web:audio' }), '1000:29:29');
  t.is(await output(id, { User: '1000:5' }), '1000:5:5');
  t.is(await output('echo $HOME', { User: 'web' }), '/home/web');
  const missing = await sh('true', { User: 'nobody' }).catch((error: unknown) => error);
  t.is(TsrunError.is(missing) && missing.code, 'ERR_TSRUN_USER_NOT_FOUND');
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

here('a read-only root warns of a volume that cannot be written to, and a mount of the caller\'s makes it writable', async (t) => {
  const config = { Volumes: { '/full': {} } };
  const container = await lab.start({ command: ['true'], root: 'read-only' }, imageOf(config));
  t.true(container.warnings.some((warning) => warning.includes('"/full"')), container.warnings.join());
  await container.exited;
  const mounted = await lab.start({ command: ['touch', '/full/x'], root: 'read-only', mounts: [{ type: 'tmpfs', destination: '/full' }] }, imageOf(config));
  t.deepEqual(mounted.warnings.filter((warning) => warning.includes('volume')), []);
  t.is((await mounted.exited).code, 0);
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
