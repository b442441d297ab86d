// Processes that do not go the usual way: traced, killed or frozen at a moment when the launcher counts on them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { kill } from 'node:process';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { executeByMidwife } from '../support/exec-plans.js';
import { Lab, patience } from '../support/lab.js';
import { launchersOf } from '../support/leaks.js';
import { needs, type Need } from '../support/needs.js';
import { until } from '../support/until.js';

const lab = new Lab();
const common: readonly Need[] = ['root', 'userns', 'overlay', 'cgroup2'];
const here = needs(...common);

/** Fails where a launcher that waits for something would wait for ever. */
async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  const timer = new AbortController();
  const late = delay(20_000 * patience, undefined, { signal: timer.signal }).then(() => {
    throw new Error(`waited in vain for ${what}`);
  });
  late.catch(() => undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    timer.abort();
  }
}

/** Traces a process (PTRACE_SEIZE) and never waits for it: its zombie is nobody else's to reap. */
const tracer = `
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
if libc.ptrace(0x4206, int(sys.argv[1]), None, None) != 0: sys.exit(ctypes.get_errno())
print("traced", flush=True)
sys.stdin.read()
`;

needs(...common, 'command:python3')('a dead process that somebody traces holds up nobody but itself', async (t) => {
  const [traced, other] = [await lab.idle(), await lab.idle()];
  const child = spawn('python3', ['-c', tracer, String(traced.pid)], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.is(String((await once(child.stdout, 'data'))[0]).trim(), 'traced');
  kill(traced.pid, 'SIGKILL');
  await delay(100);
  t.is((await soon(lab.exec(other, { command: ['true'] }), 'an exec beside it')).status.code, 0);
  t.is(traced.exitStatus, undefined);
  child.kill('SIGKILL');
  t.like(await soon(traced.exited, 'the end of what was traced'), { code: 137 });
  await other.stop({ graceMs: 0 });
});

/** Holds a process on its way to its end (PTRACE_O_TRACEEXIT), also one that was killed, until the standard input ends. */
const holder = `
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
pid = int(sys.argv[1])
if libc.ptrace(0x4206, pid, None, ctypes.c_void_p(0x40)) != 0: sys.exit(ctypes.get_errno())
print("held", flush=True)
while os.waitpid(pid, 0x40000000)[1] >> 8 != 0x605: pass
print("dying", flush=True)
sys.stdin.read()
`;

needs(...common, 'command:python3')('who comes into a container while the others die of its end is killed as well', async (t) => {
  const container = await lab.start({ command: ['sh', '-c', 'sleep 1000 & exec sleep 1000'], namespaces: { pid: 'host' }, stdout: 'ignore', stderr: 'ignore' });
  const members = `${container.record.cgroup}/cgroup.procs`;
  const others = () => readFileSync(members, 'utf8').trim().split('\n').filter((pid) => pid !== String(container.pid));
  await until(() => others().length === 1, 'the second process');
  const [other] = others();
  const held = spawn('python3', ['-c', holder, String(other)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const said = createInterface({ input: held.stdout })[Symbol.asyncIterator]();
  t.is((await said.next()).value, 'held');
  kill(container.pid, 'SIGKILL');
  t.is((await soon(said.next(), 'a process that dies')).value, 'dying');
  const newcomer = spawn('sleep', ['1000'], { stdio: 'ignore' });
  const killed = once(newcomer, 'exit');
  writeFileSync(members, String(newcomer.pid));
  held.stdin.end();
  t.like(await soon(container.exited, 'the end of the container'), { code: 137 });
  t.deepEqual(await killed, [null, 'SIGKILL']);
});

here('a paused container takes no further program', async (t) => {
  const container = await lab.idle();
  await container.pause();
  await t.throwsAsync(lab.exec(container, { command: ['true'] }), { code: 'ERR_TSRUN_STATE', message: /is paused/ });
  const ear = executeByMidwife(await lab.runtime(), container, ['true']);
  t.like(await soon(ear.hears('failed', 'started'), 'a refusal'), { op: 'failed', error: constants.errno.ECANCELED });
  await container.resume();
  t.is((await lab.exec(container, { command: ['true'] })).status.code, 0);
  await container.stop({ graceMs: 0 });
});

/** Runs something while this happens to the first sendmsg of each of the launcher's children. */
async function interfering<T>(what: string, body: () => Promise<T>): Promise<T> {
  const [launcher] = launchersOf(lab.stateRoot);
  const child = spawn('strace', ['-f', '-p', String(launcher), '-o', '/dev/null', '-e', 'trace=sendmsg', '-e', `inject=sendmsg:${what}:when=1`], { stdio: ['ignore', 'ignore', 'pipe'] });
  await once(child.stderr, 'data');
  try {
    return await body();
  } finally {
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
}

needs(...common, 'command:strace')('a process whose midwife is killed before she could tell of it is ended, and holds up nobody', async (t) => {
  const container = await lab.idle();
  const runtime = await lab.runtime();
  const event = await interfering('signal=SIGKILL', async () => soon(executeByMidwife(runtime, container, ['sleep', '1000']).hears('failed', 'started'), 'a failure'));
  t.like(event, { op: 'failed', error: constants.errno.ECHILD });
  t.is((await lab.exec(container, { command: ['true'] })).status.code, 0);
  t.like(await soon(container.stop({ graceMs: 0 }), 'the end of pid 1'), { code: 137 });
});

needs(...common, 'command:strace')('a midwife who stands still is not waited for', async (t) => {
  const container = await lab.idle();
  const runtime = await lab.runtime();
  const event = await interfering('delay_enter=60000000', async () => soon(executeByMidwife(runtime, container, ['sleep', '1000']).hears('failed', 'started'), 'a failure'));
  t.like(event, { op: 'failed', error: constants.errno.ETIMEDOUT });
  t.like(await soon(container.stop({ graceMs: 0 }), 'the end of pid 1'), { code: 137 });
});

here('a process is born by a midwife', async (t) => {
  const container = await lab.idle();
  const ear = executeByMidwife(await lab.runtime(), container, ['sh', '-c', 'exit 7']);
  t.like(await soon(ear.hears('exited'), 'an end'), { status: 7 << 8 });
  await container.stop({ graceMs: 0 });
});

/** Of mounts, as descriptors of the launcher: its own two, and those that it keeps. */
function keptMounts(): string[] {
  const folder = `/proc/${launchersOf(lab.stateRoot)[0] ?? 0}/fd`;
  return readdirSync(folder).map((name) => readlinkSync(join(folder, name))).filter((target) => target.startsWith('mnt:'));
}

here('mounts that nobody lends are kept until the end was told, others are not', async (t) => {
  const before = keptMounts().length;
  const container = await lab.idle();
  t.true(keptMounts().includes(readlinkSync(`/proc/${container.pid}/ns/mnt`)));
  const lent = await lab.idle({ mounts: [{ type: 'bind', source: lab.scratch, destination: '/lent' }] });
  t.is(keptMounts().length, before + 1);
  await Promise.all([container.stop({ graceMs: 0 }), lent.stop({ graceMs: 0 })]);
  await until(() => keptMounts().length === before, 'the mounts to be let go of');
});

here('much that lies in the upper layer of kept mounts is freed beside the launcher', async (t) => {
  const before = keptMounts().length;
  t.is((await lab.sh('head -c 32000000 /dev/zero > /much')).status.code, 0);
  t.is((await lab.run({ command: ['true'] })).status.code, 0);
  await until(() => keptMounts().length === before, 'the mounts to be let go of');
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
