// Attacks by what lies over the kernel's own folders: a volume at /proc, /dev or below, by name, through a link of the image or
// in a bundle, in which files pass for the kernel's, so that a write, a mask or a console would go to them.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { TsrunError, type RunOptions } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

/** What is written to in the kernel's folders, as files of an attacker. */
const traps = ['self/attr/exec', 'self/attr/apparmor/exec', 'thread-self/attr/exec', 'sys/kernel/domainname', 'sys/net/ipv4/ip_forward', 'self/timens_offsets', 'keys', 'timer_list', 'console', 'pts/0', 'ptmx', 'null'];

function makeVolume(): string {
  const volume = mkdtempSync(join(lab.scratch, 'volume-'));
  for (const trap of traps) {
    mkdirSync(dirname(join(volume, trap)), { recursive: true });
    writeFileSync(join(volume, trap), 'trap\n', { mode: 0o666 });
  }
  return volume;
}

function sprung(volume: string): string[] {
  return traps.filter((trap) => readFileSync(join(volume, trap), 'utf8') !== 'trap\n');
}

/** The parameter in the container's own network, read where nothing lies over it; and the terminal's kind. */
const script = 'cat /proc/sys/net/ipv4/ip_forward; stat -f -c %T /proc; stat -c %t /dev/console; head -c 1 /proc/keys 2>&- | wc -c';
const genuine = '1\nproc\n88\n0\n';
const command: RunOptions = { command: ['sh', '-c', script], sysctls: { 'net.ipv4.ip_forward': '1' }, timeOffsets: { monotonic: 5 }, terminal: true };
/** What it prints on its terminal. */
async function looked(options: RunOptions, image: string): Promise<string> {
  const { terminal, exited } = await lab.start(options, image);
  const printed = terminal === null ? '' : await text(terminal.output);
  await exited;
  return printed.replaceAll('\r', '');
}

const covered = ['/proc', '/proc/self', '/proc/self/attr', '/proc/thread-self/attr', '/proc/sys', '/proc/sys/net', '/dev', '/dev/pts', '/dev/console', '/dev/ptmx', '/dev/null'];

here('no volume lies at or below /proc and /dev, by whatever name it is asked for (CVE-2019-16884, -2025-52565)', async (t) => {
  const links = { door: 'proc', gate: '/proc/self', hatch: '../dev', window: '/dev/pts' };
  const image = makeImage(lab, { links });
  const doors = ['/door', '/door/self', '/door/sys', '/gate', '/gate/attr', '/hatch', '/hatch/pts', '/hatch/console', '/window'];
  for (const destination of [...covered, ...covered.map((path) => `/tmp/..${path}`), ...doors]) {
    const volume = makeVolume();
    const error = await t.throwsAsync(looked({ ...command, mounts: [{ type: 'bind', source: volume, destination, options: ['rw'] }] }, image), { instanceOf: TsrunError }, destination);
    t.regex(`${error.code} ${error.message}`, /nothing can be mounted at|no folder can be mounted on|leads? by a link of the image/, destination);
    t.deepEqual(sprung(volume), [], destination);
  }
  const volume = makeVolume();
  const file = { type: 'bind', source: join(volume, 'null'), destination: '/dev/null' } as const;
  t.is(await looked({ ...command, mounts: [file] }, image), genuine, 'a file over /dev/null is no mask');
  t.is(await looked(command, image), genuine, 'without the volume the writes reach the kernel');
});

/** Mounts in whatever order the attacker likes. */
function bundleWith(volume: string, destination: string, volumeFirst: boolean): string {
  const bundle = mkdtempSync(join(lab.scratch, 'bundle-'));
  const bind = { destination, type: 'bind', source: volume, options: ['rbind', 'rw'] };
  const kernels = [
    { destination: '/proc', type: 'proc', source: 'proc' },
    { destination: '/dev', type: 'tmpfs', source: 'tmpfs' },
    { destination: '/dev/pts', type: 'devpts', source: 'devpts', options: ['newinstance', 'ptmxmode=0666'] },
  ];
  const spec = {
    ociVersion: '1.2.0',
    root: { path: makeImage(lab) },
    process: { terminal: true, user: { uid: 0, gid: 0 }, cwd: '/', args: ['sh', '-c', script], env: ['PATH=/bin'] },
    mounts: volumeFirst ? [bind, ...kernels] : [...kernels, bind],
    linux: {
      namespaces: ['pid', 'mount', 'ipc', 'uts', 'network'].map((type) => ({ type })),
      sysctl: { 'net.ipv4.ip_forward': '1' },
      maskedPaths: ['/proc/keys', '/proc/timer_list'],
    },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(spec));
  return bundle;
}

here('nor in a bundle, in whatever order it mounts: an error, or the kernel\'s own is what counts', async (t) => {
  const held: string[] = [];
  for (const destination of [...covered, '/elsewhere']) {
    for (const volumeFirst of [true, false]) {
      const volume = makeVolume();
      const what = `${destination} ${volumeFirst ? 'first' : 'last'}`;
      const bundle = bundleWith(volume, destination, volumeFirst);
      const printed = await looked({}, bundle).catch((error: unknown) => error);
      if (!TsrunError.is(printed)) t.is(printed, genuine, what);
      if (!TsrunError.is(printed)) held.push(what);
      t.deepEqual(sprung(volume), [], what);
    }
  }
  t.deepEqual(held, [...covered.filter((path) => path.startsWith('/dev')).map((path) => `${path} first`), '/elsewhere first', '/elsewhere last'], 'what the container\'s own /dev covers, and nothing else');
});

here('control: who writes by path writes to what lies there', (t) => {
  const volume = makeVolume();
  const script = 'mount --bind "$0" /proc && mount --bind "$0" /dev && echo 1 >/proc/sys/net/ipv4/ip_forward && echo hello >/dev/console && echo "exec profile" >/proc/self/attr/exec';
  t.is(spawnSync('unshare', ['--mount', '--net', 'sh', '-c', script, volume]).status, 0);
  t.deepEqual(sprung(volume).sort(), ['console', 'self/attr/exec', 'sys/net/ipv4/ip_forward']);
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
