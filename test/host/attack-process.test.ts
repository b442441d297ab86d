// Attacks by the program in the container, each of which the architecture must make impossible (CVE numbers beside them).
// Each has its positive control in the same test: the same attack where the wall in question is missing. By hand the same
// images were run under crun 1.8.1 and runc 1.1.5 of Debian 12.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Runtime, type RunOptions, type Step } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { Lab, outcome, patience, type Outcome } from '../support/lab.js';
import { launchersOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';
import { runChanged } from '../support/without-step.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');
const hit = 10;

/** Runs the attacker as pid 1 while many processes are executed in its container. */
async function besideExecs(options: RunOptions, ...words: string[]): Promise<Outcome> {
  const runtime = await lab.runtime();
  const seconds = patience > 1 ? 8 : 3;
  const container = await lab.start({ command: ['watch-newcomers', String(seconds), ...words], capAdd: ['SYS_PTRACE'], ...options });
  const ended = outcome(container);
  while (container.exitStatus === undefined) {
    const executed = await runtime.exec(container, { command: ['/bin/true'], stdout: 'ignore', stderr: 'ignore' }).catch(() => undefined);
    if (executed === undefined) break;
    await executed.exited;
  }
  return ended;
}

/** Who has CAP_SYS_ADMIN of the host's needs no process that joins, so that one is let in. */
const rootOfHost: RunOptions = { namespaces: { user: 'host' }, landlock: false, capAdd: ['SYS_PTRACE', 'SYS_ADMIN'] };

const newcomers = (stdout: string): number => Number(/^newcomers (\d+)/m.exec(stdout)?.[1] ?? 0);

here('a process on its way into the container cannot be traced or read by who is there (CVE-2016-9962)', async (t) => {
  const { stdout, status } = await besideExecs({});
  t.is(status.code, 0, stdout.slice(0, 500));
  t.true(newcomers(stdout) >= 5);
  // Control: with the host's user namespace, CAP_SYS_PTRACE and no Landlock domain the kernel lets it happen.
  const open = await besideExecs(rootOfHost);
  t.is(open.status.code, hit, open.stdout.slice(0, 500));
});

needs('root', 'userns', 'kernel:6.12')('Landlock keeps tracing apart even in the host\'s user namespace', async (t) => {
  const { stdout, status } = await besideExecs({ namespaces: { user: 'host' } });
  t.is(status.code, 0, stdout.slice(0, 500));
});

here('into a container that could take over who joins it, nothing is executed', async (t) => {
  const runtime = await lab.runtime();
  const cases: [RunOptions, boolean][] = [
    [{ namespaces: { user: 'host' }, landlock: false, capAdd: ['SYS_PTRACE'] }, true],
    [{ namespaces: { user: 'host' }, landlock: false, capAdd: ['SYS_PTRACE'], user: '1000' }, true],
    [{ namespaces: { user: 'host' }, landlock: false }, false],
    [{ landlock: false, capAdd: ['SYS_PTRACE'] }, false],
    [rootOfHost, false],
  ];
  for (const [options, refused] of cases) {
    const container = await lab.idle(options);
    const error = await runtime.exec(container, { command: ['true'] }).then(async ({ exited }) => { await exited; }, (reason: unknown) => reason);
    if (refused) t.like(error, { code: 'ERR_TSRUN_HOST', field: '/process/capabilities' }, JSON.stringify(options));
    else t.is(error, undefined, JSON.stringify(options));
    await container[Symbol.asyncDispose]();
  }
});

needs('root', 'userns', 'kernel:6.12')('what was executed earlier cannot trace what is executed next, where the first process cannot', async (t) => {
  const runtime = await lab.runtime();
  const container = await lab.idle({ namespaces: { user: 'host' }, capAdd: ['SYS_PTRACE'] });
  const attacker = await runtime.exec(container, { command: ['watch-newcomers', String(patience > 1 ? 8 : 3)] });
  const ended = outcome(attacker);
  while (attacker.exitStatus === undefined) await (await runtime.exec(container, { command: ['/bin/true'], stdout: 'ignore', stderr: 'ignore' })).exited;
  const { stdout, status } = await ended;
  t.is(status.code, 0, stdout.slice(0, 500));
  t.true(newcomers(stdout) >= 5);
  await container[Symbol.asyncDispose]();
});

here('the launcher\'s program is never open for writing, whoever gets hold of it (CVE-2019-5736)', async (t) => {
  const { stdout, status } = await besideExecs(rootOfHost, 'writable');
  t.is(status.code, 0, stdout);
  t.regex(stdout, /^program \/memfd:.* (?:EPERM|ETXTBSY)$/m, 'it did get hold of it');
  // Control: of a program that is no sealed memfd, but a file of its own root, it can.
  t.regex(stdout, /^program \/bin\/busybox writable$/m);
});

here('a script whose interpreter is /proc/self/exe starts nothing that could be written to', async (t) => {
  const image = makeImage(lab, { probes: ['watch-newcomers'], files: { 'bin/loop': '#!/proc/self/exe\n' }, mode: 0o755 });
  const runtime = await Runtime.open({ root: lab.stateRoot });
  const container = await runtime.run(image, { id: lab.newId(), command: ['watch-newcomers', String(2 * patience), 'writable'] });
  const ended = outcome(container);
  for (let turn = 0; turn < 20; turn++) {
    const executed = await runtime.exec(container, { command: ['/bin/loop'], stdout: 'ignore', stderr: 'ignore' }).catch(() => undefined);
    await executed?.exited;
  }
  const { stdout, status } = await ended;
  t.is(status.code, 0, stdout);
  await runtime.close();
});

here('what stands between Node and the program: a sealed memfd, no environment, no descriptor but its own', async (t) => {
  const runtime = await lab.runtime();
  const created = await runtime.create(lab.image, { id: lab.newId(), command: ['true'] });
  for (const pid of [created.pid, ...launchersOf(lab.stateRoot)]) {
    t.regex(readlinkSync(`/proc/${pid}/exe`), /^\/memfd:/);
    t.is(readFileSync(`/proc/${pid}/environ`, 'utf8'), '');
    t.throws(() => { closeSync(openSync(`/proc/${pid}/exe`, 'r+')); }, undefined, 'not even the host\'s root can write to it');
  }
  const open = readdirSync(`/proc/${created.pid}/fd`).map((fd) => readlinkSync(`/proc/${created.pid}/fd/${fd}`).replace(/:.*/, '')).sort();
  t.deepEqual(open, ['/dev/null', 'pipe', 'pipe', 'socket'], 'its streams, and the way to hear that it may start');
  created.start();
  await created.exited;
});

here('no way leads out of the root: a second chroot, a descriptor, other processes\' roots', async (t) => {
  const image = makeImage(lab, { probes: ['leave-root'] });
  const canary = join(lab.scratch, 'canary');
  writeFileSync(canary, 'x');
  for (const options of [{}, { namespaces: { user: 'host' } }, { privileged: true }, { privileged: true, namespaces: { user: 'host' } }] as const) {
    const { stdout, status } = await lab.run({ command: ['leave-root', canary], ...options }, image);
    t.is(status.code, 0, `${stdout} ${JSON.stringify(options)}`);
  }
  // Controls: who is only in a chroot gets out of it; with a descriptor of the host's even without a second one.
  const naive = spawnSync('chroot', [image, '/bin/leave-root', canary], { encoding: 'utf8' });
  t.is(naive.status, hit, naive.stdout + naive.stderr);
  const held = openSync('/', 'r');
  t.regex(spawnSync('chroot', [image, '/bin/leave-root', canary], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe', held] }).stdout, /a descriptor/);
  closeSync(held);
});

here('nothing can be pushed into a terminal (CVE-2017-5226, CVE-2019-10063)', async (t) => {
  t.is((await lab.run({ command: ['push-terminal'], terminal: true })).status.code, 0);
  t.is((await lab.run({ command: ['push-terminal'] })).status.code, 0);
  // Control: with a terminal and without the filter it can be done (dev.tty.legacy_tiocsti is 1 on both kernels).
  t.is((await lab.run({ command: ['push-terminal'], terminal: true, seccomp: 'unconfined' })).status.code, hit);
});

here('a terminal of the caller is not the container\'s, even as its standard streams', async (t) => {
  // script(1) gives this Node a terminal; the container inherits it as streams, and may not use it as its own.
  const inner = `
    import { Runtime } from ${JSON.stringify(join(import.meta.dirname, '../../src/index.js'))};
    const runtime = await Runtime.open({ root: ${JSON.stringify(lab.stateRoot)} });
    const options = { id: ${JSON.stringify(lab.newId())}, stdin: 'inherit', stdout: 'inherit', stderr: 'inherit', seccomp: 'unconfined', command: ['push-terminal'] };
    const { code } = await (await runtime.run(${JSON.stringify(lab.image)}, options)).exited;
    await runtime.close();
    process.exit(code);`;
  const child = spawn('script', ['--quiet', '--return', '--command', `${process.execPath} --input-type=module -e '${inner.replaceAll("'", "'\\''")}'`, '/dev/null'], { stdio: 'ignore' });
  t.is(await new Promise((resolve) => child.once('exit', resolve)), 0, 'no controlling terminal, so not even without the filter');
});

here('devices in an image cannot be opened', async (t) => {
  const image = makeImage(lab);
  const host = readFileSync('/proc/partitions', 'utf8').trim().split('\n').at(-1)?.trim().split(/\s+/) ?? [];
  spawnSync('mknod', ['-m', '666', join(image, 'disk'), 'b', host[0] ?? '1', host[1] ?? '0']);
  spawnSync('mknod', ['-m', '666', join(image, 'zero'), 'c', '1', '5']);
  const command = ['sh', '-c', 'head -c 1 /zero >/dev/null || head -c 1 /disk >/dev/null'];
  for (const options of [{}, { namespaces: { user: 'host' } }, { root: 'writable' }, { root: 'read-only' }] as const) {
    t.not((await lab.run({ command, ...options }, image)).status.code, 0, JSON.stringify(options));
  }
  // Control: without nodev on the root they can.
  const nodev = 4n;
  const lifted = (step: Step): readonly Step[] => {
    if (step.op === 'setMount') return [{ ...step, set: BigInt(step.set) & ~nodev }];
    return step.op === 'makeOverlay' ? [{ ...step, attributes: BigInt(step.attributes) & ~nodev }] : [step];
  };
  t.is(await runChanged(lab, { command }, lifted, image), 0);
  t.is(await runChanged(lab, { command }, (step) => [step], image), 1);
});

/** Every file below these folders that root inside can open for writing. */
const findWritable = 'find "$@" -type f 2>/dev/null | while read -r f; do { true >>"$f"; } 2>/dev/null && echo "$f"; done; true';

async function writable(t: ExecutionContext, options: RunOptions, ...folders: string[]): Promise<string[]> {
  const { stdout, status } = await lab.sh('', { command: ['sh', '-c', findWritable, 'sh', ...folders], ...options });
  t.is(status.code, 0);
  return stdout.trim().split('\n').filter((line) => line !== '');
}

here('no file of the kernel that concerns the host can be opened for writing (CVE-2022-0492, core_pattern, uevent_helper)', async (t) => {
  const sys = patience > 1 ? ['/sys/kernel', '/sys/fs', '/sys/power', '/sys/devices/system'] : ['/sys'];
  const folders = [...sys, '/proc/sys', '/proc/irq', '/proc/bus', '/proc/fs', '/proc/acpi', '/proc/sysrq-trigger'];
  t.deepEqual(await writable(t, {}, ...folders), []);
  t.deepEqual(await writable(t, { namespaces: { user: 'host' } }, ...folders), []);
  // Control: with everything open there are hundreds.
  t.true((await writable(t, { privileged: true, namespaces: { user: 'host' } }, '/proc/sys/kernel')).length > 20);
});

here('the 32-bit and x32 doors are closed: no AF_ALG by way of socketcall (moby 7158007)', async (t) => {
  const socketcall = 102;
  const { stdout } = await lab.run({ command: ['try-syscalls', 'i386', String(socketcall), String(socketcall)] });
  t.regex(stdout, process.arch === 'x64' ? /^102 (?:errno 38|errno 1|signal 31)$/m : /^$/);
  t.regex((await lab.run({ command: ['try-syscalls', 'x32', '41', '41', '38', '5', '0'] })).stdout, process.arch === 'x64' ? /^41 (?:errno 38|errno 1|signal 31)$/m : /^$/);
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
