// Device rules: which devices may be opened and made, how, and by whom. An attack that fails is run once more without the program.
import { spawnSync } from 'node:child_process';
import { chmodSync, closeSync, mkdtempSync, openSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { explain, type MountOption, type RunOptions } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { runChanged, without } from '../support/without-step.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay', 'cgroup2', 'capability:CAP_SYS_ADMIN');

/** A block device that this process may open itself, best one without content: who may not has no control to compare with. */
function findDisk(): `/dev/${string}` {
  const names = readdirSync('/dev').sort((a, b) => Number(b.startsWith('loop')) - Number(a.startsWith('loop')));
  return `/dev/${names.find((name) => opens(`/dev/${name}`)) ?? 'a-disk'}`;
}

function opens(path: string): boolean {
  try {
    if (statSync(path).isBlockDevice()) closeSync(openSync(path, 'r'));
    return statSync(path).isBlockDevice();
  } catch {
    return false;
  }
}

const diskPath = findDisk();
const rdev = statSync(diskPath, { throwIfNoEntry: false })?.rdev ?? 0;
/** As mknod(1) wants it. */
const disk = `b ${rdev >> 8} ${rdev & 0xff}`;

const making = needs('root', 'overlay', 'cgroup2', 'capability:CAP_SYS_ADMIN', 'capability:CAP_MKNOD', `file:${diskPath}`);

const reads = 'head -c 1 /dev/x >/dev/null';
const writes = 'echo hi >/dev/x';
const zero = { source: '/dev/zero', destination: '/dev/x' };

/** Exit code of a script, with and without the program that holds device rules. */
async function withAndWithout(script: string, options: RunOptions, image = lab.image): Promise<{ with: number | null; without: number }> {
  const asked: RunOptions = { ...options, command: ['sh', '-c', script] };
  const { status } = await lab.run({ ...asked, stdout: 'ignore', stderr: 'ignore' }, image);
  return { with: status.code, without: await runChanged(lab, asked, without('limitDevices'), image) };
}

const works = { with: 0, without: 0 };
const fails = { with: 1, without: 0 };

here('a device is used as it was given: to read, to write, both, or neither', async (t) => {
  for (const [access, toRead, toWrite] of [['r', works, fails], ['w', fails, works], ['rw', works, works], ['m', fails, fails]] as const) {
    const options: RunOptions = { devices: [{ ...zero, access }] };
    t.deepEqual(await withAndWithout(reads, options), toRead, `${access}: read`);
    t.deepEqual(await withAndWithout(writes, options), toWrite, `${access}: written`);
  }
  const { stdout, stderr } = await lab.sh('echo hi >/dev/x && echo WRITTEN', { devices: [{ source: '/dev/null', destination: '/dev/x', access: 'r' }] });
  t.is(stdout, '');
  t.regex(stderr, /Operation not permitted/);
});

here('the access is the device\'s, whatever name it has: also that of a node that every container has', async (t) => {
  const options: RunOptions = { devices: [{ source: '/dev/null', destination: '/dev/x', access: 'r' }] };
  t.deepEqual(await withAndWithout('echo hi >/dev/null', options), fails);
  t.deepEqual(await withAndWithout('echo hi >/dev/zero && head -c 1 /dev/urandom', options), works);
});

here('the six nodes, terminals and their multiplexer work under the program', async (t) => {
  const script = 'for name in null zero full random urandom; do head -c 1 /dev/$name >/dev/null || exit 1; echo 2>/dev/null >/dev/$name || test $name = full; done';
  t.is((await lab.sh(script)).status.code, 0);
  const terminal = await lab.sh('echo >/dev/tty && : <>/dev/console && : <>/dev/ptmx && : <>/dev/pts/ptmx && : <>"$(tty)"', { terminal: true });
  t.is(terminal.status.code, 0, terminal.stdout);
});

function bundle(linux: object, script: string): string {
  const folder = mkdtempSync(join(lab.scratch, 'bundle-'));
  // What a kernel asks of who opens its log (dmesg_restrict), beside a rule of the container's.
  const held = ['CAP_DAC_OVERRIDE', 'CAP_SYSLOG'];
  const spec = {
    ociVersion: '1.2.0',
    root: { path: makeImage(lab) },
    process: { user: { uid: 0, gid: 0 }, cwd: '/', args: ['sh', '-c', script], env: ['PATH=/bin'], capabilities: { bounding: held, effective: held, permitted: held } },
    mounts: [{ destination: '/proc', type: 'proc', source: 'proc' }],
    linux: { namespaces: [{ type: 'pid' }, { type: 'mount' }], ...linux },
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(spec));
  return folder;
}

/** The exit code of a bundle's own program. */
async function bundleEnds(linux: object, script: string): Promise<{ with: number | null; without: number }> {
  const image = bundle(linux, script);
  const { status } = await lab.run({ stdout: 'ignore', stderr: 'ignore' }, image);
  return { with: status.code, without: await runChanged(lab, {}, without('limitDevices'), image) };
}

here('the rules of a bundle hold', async (t) => {
  const rules = (...devices: object[]) => ({ resources: { devices } });
  const denyAll = { allow: false, access: 'rwm' };
  const nullToRead = { allow: true, type: 'c', major: 1, minor: 3, access: 'r' };
  t.deepEqual(await bundleEnds(rules(denyAll, nullToRead), 'cat /dev/null'), works);
  t.deepEqual(await bundleEnds(rules(denyAll, nullToRead), 'echo hi >/dev/null'), fails);
  t.deepEqual(await bundleEnds(rules(denyAll, nullToRead), 'echo hi >/dev/zero'), works, 'what every container has and no rule names');
  const mem = { path: '/dev/kmsg', type: 'c', major: 1, minor: 11 };
  t.deepEqual(await bundleEnds({ devices: [mem], ...rules(denyAll) }, ': </dev/kmsg'), fails, 'a node without a rule for it');
  t.deepEqual(await bundleEnds({ devices: [mem], ...rules(denyAll, { allow: true, type: 'c', major: 1, access: 'r' }) }, ': </dev/kmsg'), works);
  t.deepEqual(await bundleEnds({ devices: [mem], ...rules({ allow: true, access: 'rwm' }, { allow: false, type: 'c', major: 1, minor: 11, access: 'r' }) }, ': </dev/kmsg'), fails, 'the last one wins');
  t.deepEqual(await bundleEnds({ devices: [mem] }, ': </dev/kmsg'), works, 'nodes, and no rule at all');
});

const hostUsers: RunOptions = { namespaces: { user: 'host' }, capAdd: ['MKNOD'] };

making('with CAP_MKNOD and the host\'s users no node can be made, but of a device that was given with m', async (t) => {
  for (const node of ['c 1 3', 'c 1 5', disk]) t.deepEqual(await withAndWithout(`mknod /dev/y ${node}`, hostUsers), fails, node);
  t.deepEqual(await withAndWithout(`mknod /dev/y ${disk} && head -c 1 /dev/y`, hostUsers), fails);
  t.deepEqual(await withAndWithout('mkfifo /tmp/fifo && rm /bin/true', hostUsers), works, 'a fifo is no device, nor is what an overlay hides a file with');
  const given: RunOptions = { ...hostUsers, devices: [{ source: '/dev/zero', access: 'rwm' }] };
  t.deepEqual(await withAndWithout('mknod /dev/y c 1 5 && head -c 1 /dev/y', given), works);
  t.deepEqual(await withAndWithout('mknod /dev/y c 1 3', given), fails);
  const madeOnly: RunOptions = { ...hostUsers, devices: [{ source: '/dev/zero', access: 'm' }] };
  t.deepEqual(await withAndWithout('mknod /dev/y c 1 5', madeOnly), works);
  t.deepEqual(await withAndWithout('mknod /dev/y c 1 5 && head -c 1 /dev/y', madeOnly), fails);
});

making('a node of a volume that lets devices through is opened only if that device was given', async (t) => {
  const folder = mkdtempSync(join(lab.scratch, 'volume-'));
  chmodSync(folder, 0o755);
  t.is(spawnSync('mknod', ['-m', '666', join(folder, 'disk'), ...disk.split(' ')]).status, 0);
  const mounts: MountOption[] = [{ type: 'bind', source: folder, destination: '/vol', options: ['dev'] }];
  t.deepEqual(await withAndWithout('head -c 1 /vol/disk', { mounts }), fails);
  t.deepEqual(await withAndWithout('head -c 1 /vol/disk', { mounts, ...hostUsers }), fails);
  t.deepEqual(await withAndWithout('head -c 1 /vol/disk', { mounts, devices: [{ source: join(folder, 'disk'), destination: '/dev/x', access: 'r' }] }), works);
  t.deepEqual(await withAndWithout('head -c 1 /vol/disk', { mounts, privileged: true }), works);
});

making('privileged opens every device; one that is given with less keeps that', async (t) => {
  const options: RunOptions = { privileged: true, namespaces: { user: 'host' } };
  t.deepEqual(await withAndWithout(`mknod /dev/y ${disk} && head -c 1 /dev/y`, options), works);
  t.deepEqual(await withAndWithout(writes, { ...options, devices: [{ ...zero, access: 'r' }] }), fails);
});

/** Exit codes of scripts that are executed in one container. */
async function executed(options: RunOptions, ...scripts: readonly { readonly script: string; readonly privileged?: boolean }[]): Promise<(number | null)[]> {
  const container = await lab.idle(options);
  const codes: (number | null)[] = [];
  for (const { script, privileged = false } of scripts) codes.push((await lab.exec(container, { command: ['sh', '-c', script], privileged })).status.code);
  await container.killAll();
  await container.exited;
  return codes;
}

making('what is executed in the container later is held as well, privileged or not', async (t) => {
  const devices = [{ ...zero, access: 'r' }];
  t.deepEqual(await executed({ devices }, { script: reads }, { script: writes }, { script: reads, privileged: true }, { script: writes, privileged: true }), [0, 1, 0, 1]);
  const nodes = [{ script: 'mknod /dev/y c 1 3' }, { script: `mknod /dev/y ${disk}` }];
  t.deepEqual(await executed(hostUsers, ...nodes), [1, 1]);
  t.deepEqual(await executed({ namespaces: { user: 'host' }, privileged: true }, { script: `mknod /dev/y ${disk}` }), [0], 'control');
});

here('one launcher holds more sets of rules than it keeps programs', async (t) => {
  const names = ['null', 'zero', 'full', 'random', 'urandom', 'tty'];
  const sets = names.flatMap((name) => ['r', 'w', 'm'].map((access) => ({ source: `/dev/${name}`, access })));
  for (const device of [...sets, ...sets.slice(0, 3)]) {
    const { status } = await lab.sh(`: >${device.source}`, { devices: [device], stdout: 'ignore', stderr: 'ignore' });
    // Without a terminal the controlling one opens for nobody.
    t.is(status.code, device.access === 'w' && device.source !== '/dev/tty' ? 0 : 1, `${device.source} ${device.access}`);
  }
});

here('an explanation names the rules', async (t) => {
  const { steps } = await explain(lab.image, { command: ['true'], devices: [{ ...zero, access: 'r' }] });
  const step = steps.find(({ step: op }) => op === 'limitDevices');
  t.is(step?.field, '/linux/resources/devices');
  t.regex(step?.arguments['rules'] ?? '', /^deny all; allow c 1:5 r, c 1:3 rw, /);
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
