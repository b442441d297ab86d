// Attacks by what stands in an image: links that lead out wherever the runtime writes or mounts, files that are not what
// they are taken for, and volumes in which paths are swapped while they are used. The host's side is a decoy folder whose
// fingerprint may not change; `naive` is the positive control, which does by path what old runtimes did.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { closeSync, lstatSync, mkdirSync, mkdtempSync, openSync, readdirSync, readFileSync, readlinkSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { TsrunError, type RunOptions } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

/** What a runtime would spoil if it followed a link. */
function makeDecoy(): string {
  const decoy = mkdtempSync(join(lab.scratch, 'decoy-'));
  for (const name of ['null', 'ptmx', 'hosts', 'hostname', 'resolv.conf', 'fd', 'console', 'core']) writeFileSync(join(decoy, name), `${name} of the host\n`);
  for (const name of ['pts', 'shm', 'mqueue', 'fs', 'self']) mkdirSync(join(decoy, name));
  return decoy;
}

/** Names, kinds, owners, times and contents. */
function fingerprint(folder: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()) {
    const status = lstatSync(join(folder, name));
    hash.update(`${name} ${status.mode} ${status.uid} ${status.ino} ${status.mtimeMs} ${status.ctimeMs}\n`);
    if (status.isFile()) hash.update(readFileSync(join(folder, name)));
    if (status.isSymbolicLink()) hash.update(readlinkSync(join(folder, name)));
  }
  hash.update(String(lstatSync(folder).mtimeMs));
  return hash.digest('hex');
}

/** Ways in which a path of the image is not the folder that it should be. */
const tricks: Readonly<Record<string, (path: string, decoy: string) => void>> = {
  'an absolute link': (path, decoy) => { symlinkSync(decoy, path); },
  'a climbing link': (path, decoy) => { symlinkSync(join('../../../../../../..', decoy), path); },
  'a relative link': (path, decoy) => { symlinkSync(relative(dirname(path), decoy), path); },
  'a link in two steps': (path, decoy) => {
    symlinkSync(decoy, `${path}.step`);
    symlinkSync(`/${path.split('/').at(-1) ?? ''}.step`, path);
  },
  'a dangling link': (path, decoy) => { symlinkSync(join(decoy, 'made'), path); },
  'a circle': (path) => { symlinkSync(path.split('/').at(-1) ?? '', path); },
  'a magic link': (path) => { symlinkSync('/proc/1/root', path); },
  'a file': (path) => { writeFileSync(path, ''); },
  'a fifo': (path) => { spawnSync('mkfifo', [path]); },
};

const places = ['dev', 'dev/pts', 'dev/shm', 'proc', 'sys', 'sys/fs/cgroup', 'etc', 'etc/hosts', 'etc/resolv.conf', 'vol', 'vol/deep', 'work'];

function trickyImage(place: string, trick: string, decoy: string): string {
  const image = makeImage(lab);
  const path = join(image, place);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { recursive: true, force: true });
  tricks[trick]?.(path, decoy);
  return image;
}

/** Whatever is in the image, what the container gets is genuine; or there is an error and nothing else. */
async function runTricky(t: ExecutionContext, image: string, what: string, options: RunOptions): Promise<void> {
  const script = 'grep -c "^[0-9]* .* /\\(proc\\|dev\\|dev/pts\\|sys\\) .* - \\(proc\\|tmpfs\\|devpts\\|sysfs\\) " /proc/self/mountinfo';
  try {
    const { stdout } = await lab.run({ command: ['sh', '-c', script], cwd: '/work/here', ...options }, image);
    t.true(Number(stdout) >= 4, `${what}: ${stdout}`);
  } catch (error) {
    t.true(TsrunError.is(error), `${what}: ${String(error)}`);
  }
}

for (const root of ['disposable', 'writable'] as const) {
  here(`links out of the image at every place that the runtime uses, ${root} root (CVE-2019-19921, -2021-30465, -2026-41579)`, async (t) => {
    const decoy = makeDecoy();
    const before = fingerprint(decoy);
    const mounts: RunOptions['mounts'] = [{ type: 'tmpfs', destination: '/vol/deep/a' }, { type: 'bind', source: makeDecoy(), destination: '/vol/deep/b', readonly: true }];
    const chosen = Object.keys(tricks).filter((_, index) => patience === 1 || index % 2 === 0);
    for (const place of places) {
      await Promise.all(chosen.map(async (trick) => {
        const what = `${place} is ${trick}`;
        await runTricky(t, trickyImage(place, trick, decoy), what, { root, mounts });
        t.is(fingerprint(decoy), before, what);
      }));
    }
  });
}

here('control: a runtime that works by path spoils the decoy, and so does a link to it', (t) => {
  const naive = (image: string, script: string) => spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', script, image], { encoding: 'utf8' });
  const scripts: Readonly<Record<string, string>> = {
    dev: 'mkdir -p "$0/dev"; rm -f "$0/dev/ptmx"; ln -s pts/ptmx "$0/dev/ptmx"; mknod "$0/dev/zero" c 1 5',
    etc: 'echo overwritten >"$0/etc/hosts"',
    'vol/deep': 'mkdir -p "$0/vol/deep/a"',
  };
  for (const [place, script] of Object.entries(scripts)) {
    for (const trick of ['an absolute link', 'a relative link']) {
      const decoy = makeDecoy();
      const before = fingerprint(decoy);
      naive(trickyImage(place, trick, decoy), script);
      t.not(fingerprint(decoy), before, `${place} is ${trick}`);
    }
  }
});

/** A bundle without a /dev mount, whose /dev/null is a link, and whose masked path is the attacker's file if that is used. */
function maskBundle(target: string): string {
  const bundle = mkdtempSync(join(lab.scratch, 'bundle-'));
  const image = makeImage(lab, { files: { secret: 'secret\n', target: 'of the attacker\n' }, links: { 'dev/null': target } });
  const spec = {
    ociVersion: '1.2.0',
    root: { path: image },
    process: { user: { uid: 0, gid: 0 }, cwd: '/', args: ['sh', '-c', '[ -s /secret ] && exit 42; echo x 2>/dev/null >>/secret && exit 43; grep -q " /secret ro" /proc/self/mountinfo && exit 44'], env: ['PATH=/bin'] },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: { namespaces: ['pid', 'mount', 'ipc', 'uts', 'network'].map((type) => ({ type })), maskedPaths: ['/secret', '/proc/keys'] },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
  return bundle;
}

here('a mask is never the image\'s own /dev/null (CVE-2025-31133)', async (t) => {
  const host = join(makeDecoy(), 'hosts');
  for (const target of ['/target', host, '../target', '/none']) {
    t.is((await lab.run({ stdout: 'ignore', stderr: 'ignore' }, maskBundle(target))).status.code, 44, target);
  }
  t.is(readFileSync(host, 'utf8'), 'hosts of the host\n');
  // Control: bound by path, the mask is the attacker's file (runc 1.1.5 ended with 42 here, crun 1.8.1 with 44).
  const image = makeImage(lab, { files: { secret: 'secret\n', target: 'of the attacker\n' }, links: { 'dev/null': '../target' } });
  const naive = spawnSync('unshare', ['--mount', 'sh', '-c', 'mount --bind "$0/dev/null" "$0/secret" && [ -s "$0/secret" ] && exit 42', image]);
  t.is(naive.status, 42);
});

here('no descriptor can be the working directory, the program or a part of a path (CVE-2024-21626)', async (t) => {
  const held = ['/', '/etc', lab.scratch].map((path) => openSync(path, 'r'));
  const canary = join(lab.scratch, 'canary');
  writeFileSync(canary, 'x');
  const climbs = `for up in . .. ../.. ../../.. ../../../..; do [ -e "$up${canary}" ] && exit 10; done; [ -e canary ] && exit 10; pwd | grep -q unreachable && exit 11; exit 0`;
  const image = makeImage(lab, { links: Object.fromEntries(Array.from({ length: 32 }, (_, fd) => [`link${fd}`, `/proc/self/fd/${fd}`])) });
  // What the host has under a path must not be found behind any descriptor: neither as program nor as interpreter.
  for (let fd = 3; fd < 48; fd++) {
    const program = `/proc/self/fd/${fd}/bin/busybox`;
    const script = makeImage(lab, { files: { entrypoint: `#!${program} sh\nexit 0\n` }, mode: 0o755 });
    for (const [command, image] of [[[program, 'true'], script], [['/entrypoint'], script]] as const) {
      const code = await lab.run({ command, stdout: 'ignore', stderr: 'ignore' }, image).then(({ status }) => status.code, (error: unknown) => (TsrunError.is(error) ? error.code : error));
      t.regex(String(code), /^ERR_TSRUN_COMMAND_NOT_/, command.join(' '));
    }
  }
  const ways = Array.from({ length: 32 }, (_, fd) => [`/proc/self/fd/${fd}`, `/proc/1/fd/${fd}`, `/proc/thread-self/fd/${fd}`, `/link${fd}`, `/proc/self/fd/${fd}/..`]).flat();
  const some = ways.filter((_, index) => patience === 1 || index % 4 === 0);
  for (let at = 0; at < some.length; at += 8) {
    await Promise.all(some.slice(at, at + 8).map(async (cwd) => {
      const code = await lab.run({ command: ['/bin/sh', '-c', climbs], cwd }, image).then(({ status }) => status.code, (error: unknown) => (TsrunError.is(error) ? 0 : error));
      t.is(code, 0, cwd);
      const program = await lab.run({ command: [cwd] }, image).then(({ status }) => status.code, (error: unknown) => (TsrunError.is(error) ? error.code : error));
      t.regex(String(program), /^ERR_TSRUN_COMMAND_NOT_/, cwd);
    }));
  }
  for (const fd of held) closeSync(fd);
  // Control: a chroot that was given a descriptor of the host's is left by that path.
  const fd = openSync('/', 'r');
  const script = 'mount -t proc proc "$0/proc" && exec chroot "$0" /bin/sh -c "$1"';
  const naive = spawnSync('unshare', ['--mount', 'sh', '-c', script, makeImage(lab, { folders: ['proc'] }), `cd /proc/self/fd/3 && ${climbs}`], { stdio: ['ignore', 'ignore', 'ignore', fd] });
  t.is(naive.status, 10);
  closeSync(fd);
});

here('account files that are no files are refused at once, and none is read outside (CVE-2019-14271)', async (t) => {
  const decoy = join(lab.scratch, 'passwd-of-host');
  writeFileSync(decoy, 'evil:x:0:0::/:/bin/sh\n');
  const kinds: Readonly<Record<string, (path: string) => void>> = {
    fifo: (path) => { spawnSync('mkfifo', [path]); },
    'endless device': (path) => { spawnSync('mknod', [path, 'c', '1', '5']); },
    'link to the host': (path) => { symlinkSync(decoy, path); },
    'link to kmsg': (path) => { symlinkSync('/proc/kmsg', path); },
    folder: (path) => { mkdirSync(path); },
    huge: (path) => {
      writeFileSync(path, '');
      truncateSync(path, 2 ** 31);
    },
  };
  for (const [kind, make] of Object.entries(kinds)) {
    const image = makeImage(lab);
    make(join(image, 'etc/passwd'));
    const start = Date.now();
    const error = await t.throwsAsync(lab.run({ command: ['true'], user: 'evil' }, image), undefined, kind);
    t.true(TsrunError.is(error), `${kind}: ${error.message}`);
    t.true(Date.now() - start < 2000 * patience, kind);
  }
});

here('paths in a shared volume that are swapped while containers mount there lead nowhere else (CVE-2021-30465)', async (t) => {
  const decoy = makeDecoy();
  const before = fingerprint(decoy);
  const volume = mkdtempSync(join(lab.scratch, 'volume-'));
  mkdirSync(join(volume, 'folder/deep'), { recursive: true });
  symlinkSync(decoy, join(volume, 'link'));
  spawnSync('chmod', ['-R', '777', volume]);
  const share = { type: 'bind', source: volume, destination: '/vol', options: ['idmap', 'symfollow'] } as const;
  const swapper = await lab.start({ command: ['swap-paths', '/vol/folder', '/vol/link'], mounts: [share], stdout: 'ignore' });
  const target = { type: 'tmpfs', destination: '/vol/folder/deep/new' } as const;
  const [failed, mounted] = [new Set<string>(), { count: 0 }];
  for (let turn = 0; turn < (patience > 1 ? 5 : 40); turn++) {
    await Promise.all(Array.from({ length: 4 }, async () => {
      try {
        const { status } = await lab.run({ command: ['true'], mounts: [share, target] });
        mounted.count += Number(status.code === 0);
      } catch (error) {
        failed.add(TsrunError.is(error) ? error.code : String(error));
      }
    }));
  }
  await swapper[Symbol.asyncDispose]();
  t.deepEqual([...failed].filter((code) => !code.startsWith('ERR_TSRUN')), []);
  t.true(mounted.count > 0, 'some got what they asked for');
  t.is(fingerprint(decoy), before);
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
