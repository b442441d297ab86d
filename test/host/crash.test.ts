// What is left when something dies in the middle: Node, the launcher, a container's first process, at random moments and
// at system calls; and when a step fails. A guest, which is slow, takes a sample of them unless TSRUN_LONG=1.
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { Runtime, TsrunError, type RunOptions } from '../../src/index.js';
import { makeImage } from '../support/images.js';
import { momentsOfStart, Place, tracedStart } from '../support/faults.js';
import { Lab, patience } from '../support/lab.js';
import { cgroupsOf, launchersOf, processesOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';
import { Owner } from '../support/owners.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');
const slow = patience > 1;
const rounds = slow ? 2 : 10;
/** Every how manieth system call of a start is tried; where it begins is chance, so that many runs try all of them. */
const every = !slow || process.env['TSRUN_LONG'] === '1';
const stride = every ? 1 : 31;

here('SIGKILL to Node, at random moments of many starts', async (t) => {
  const place = new Place(lab);
  for (let round = 0; round < rounds; round++) {
    const owner = new Owner({ stateRoot: place.stateRoot, image: lab.image, containers: [], storm: { prefix: place.prefix, atOnce: 4 } });
    await owner.open();
    await delay(Math.random() * 150 * patience);
    await owner.kill();
    t.deepEqual(await place.leftAfterOpening(), [], `round ${round}`);
  }
  place.remove();
});

here('SIGKILL to the launcher, at random moments of many starts: each start ends in a result or an error', async (t) => {
  const place = new Place(lab);
  for (let round = 0; round < 2 * rounds; round++) {
    const runtime = await Runtime.open({ root: place.stateRoot });
    const [launcher] = launchersOf(place.stateRoot);
    if (launcher === undefined) return t.fail('no launcher is found');
    const starts = Array.from({ length: 8 }, async (_, number) => (await runtime.run(lab.image, place.options(number))).exited);
    const killed = delay(Math.random() * 40 * patience).then(() => process.kill(launcher, 'SIGKILL'));
    const results = await Promise.allSettled(starts);
    await killed;
    for (const result of results) {
      if (result.status === 'rejected') t.true(TsrunError.is(result.reason) && result.reason.code === 'ERR_TSRUN_LAUNCHER_LOST', String(result.reason));
      else t.true(['exit', 'lost'].includes(result.value.cause), JSON.stringify(result.value));
    }
    await t.throwsAsync(runtime.run(lab.image, place.options(99)), { code: 'ERR_TSRUN_LAUNCHER_LOST' });
    await runtime.close();
    t.deepEqual(await place.leftAfterOpening(), [], `round ${round}`);
  }
  place.remove();
});

here('SIGKILL to the launcher while many are being born: none of their programs outlives it', async (t) => {
  const place = new Place(lab);
  for (let round = 0; round < 2 * rounds; round++) {
    const runtime = await Runtime.open({ root: place.stateRoot });
    const [launcher] = launchersOf(place.stateRoot);
    if (launcher === undefined) return t.fail('no launcher is found');
    // Each has, for a while, copies of what the launcher holds for the others.
    const starts = Array.from({ length: 24 }, async (_, number) => runtime.run(lab.image, { ...place.options(number), command: ['sleep', '1000'] }));
    const ended = Promise.allSettled(starts);
    await delay((2 + Math.random() * 14) * patience);
    process.kill(launcher, 'SIGKILL');
    await ended;
    const end = Date.now() + 2000 * patience;
    while (processesOf(place.prefix).length > 0 && Date.now() < end) await delay(20);
    t.deepEqual(processesOf(place.prefix), [], `round ${round}, before anybody looks for garbage`);
    await runtime.close();
    t.deepEqual(await place.leftAfterOpening(), [], `round ${round}`);
  }
  place.remove();
});

needs('root', 'userns', 'overlay', 'command:strace')(`SIGKILL to the launcher at ${every ? 'every system call' : 'sampled system calls'} of a start and an end`, async (t) => {
  const place = new Place(lab);
  const moments = await momentsOfStart(lab.image, place);
  t.true(moments.length > 100, `${moments.length} calls`);
  t.timeout(moments.length * 1000 * patience);
  for (let at = Math.floor(Math.random() * stride); at < moments.length; at += stride) {
    const { name, count } = moments[at] ?? { name: 'none', count: 1 };
    const result = await tracedStart(lab.image, place, '-o', '/dev/null', '-e', `inject=${name}:signal=SIGKILL:when=${count}`);
    t.deepEqual(await place.leftAfterOpening(), [], `killed at ${name} ${count}: ${String(result)}`);
  }
  place.remove();
});

needs('root', 'userns', 'overlay', 'command:strace')('SIGKILL to the first process of a container at every kind of system call that sets it up', async (t) => {
  const place = new Place(lab);
  const names = ['openat2', 'move_mount', 'fsopen', 'fsconfig', 'fsmount', 'mount_setattr', 'pivot_root', 'umount2', 'setsid', 'prctl', 'capset', 'seccomp', 'setresuid', 'recvmsg', 'close_range', 'execve'];
  for (const name of names.filter((_, index) => !slow || index % 5 === 0)) {
    await tracedStart(lab.image, place, '-f', '-o', '/dev/null', '-e', `inject=${name}:signal=SIGKILL:when=1`);
    t.deepEqual(await place.leftAfterOpening(), [], `killed at ${name}`);
  }
  place.remove();
});

here('a step that fails undoes every step before it', async (t) => {
  const image = makeImage(lab, { files: { 'etc/file': 'x' } });
  const before = readdirSync(image).sort();
  const failures: [RunOptions, string][] = [
    // It is there for who looks first, which is this process, and not for the launcher, which is another.
    [{ mounts: [{ type: 'bind', source: `/proc/self/task/${process.pid}`, destination: '/vol' }] }, 'openTree'],
    [{ network: { path: '/proc/self/ns/uts' } }, 'openNamespace'],
    [{ mounts: [{ type: 'bind', source: lab.scratch, destination: '/etc/file/below' }] }, 'attachMount'],
    [{ sysctls: { 'net.core.no_such_parameter': '1' } }, 'writeSysctl'],
    [{ cwd: '/etc/file' }, 'setDirectory'],
    [{ command: ['/none'] }, 'execute'],
    [{ command: ['/none'], init: true }, 'execute'],
    [{ ulimits: { rtprio: { soft: 2 ** 40, hard: 2 ** 40 } }, capDrop: ['ALL'], command: ['/etc/file'] }, ''],
  ];
  const runtime = await lab.runtime();
  for (const [options, op] of failures) {
    const id = lab.newId();
    const error = await t.throwsAsync(runtime.run(image, { command: ['true'], id, ...options }), { instanceOf: TsrunError }, JSON.stringify(options));
    if (op !== '') t.is('op' in error ? error.op : undefined, op, error.message);
    t.truthy(error.hint, error.message);
    t.deepEqual([cgroupsOf(id), processesOf(id), existsSync(join(lab.stateRoot, 'containers', id))], [[], [], false], error.message);
  }
  t.deepEqual(readdirSync(image).sort(), before);
  t.like((await lab.sh('true', {}, image)).status, { code: 0 }, 'and the launcher goes on');
});

here('gc leaves alone what a live owner holds, and everything that is not its own', async (t) => {
  const container = await lab.idle();
  const survivor = await lab.idle({ survive: true });
  const other = await Runtime.open({ root: lab.stateRoot });
  await Promise.all(Array.from({ length: 5 }, async () => other.gc()));
  t.deepEqual([container.exitStatus, survivor.exitStatus], [undefined, undefined]);
  t.like(other.inspect(container.id), { state: 'running' });
  await other.close();
  t.is((await lab.exec(container, { command: ['true'] })).status.code, 0);
  await Promise.all([container.stop({ graceMs: 0 }), survivor.stop({ graceMs: 0 })]);
});

here('many processes open one state root at once, after many were killed there', async (t) => {
  const place = new Place(lab);
  const count = slow ? 2 : 4;
  const storm = () => new Owner({ stateRoot: place.stateRoot, image: lab.image, containers: [], storm: { prefix: place.prefix, atOnce: 2 } });
  for (let round = 0; round < (slow ? 1 : 3); round++) {
    const first = Array.from({ length: count }, storm);
    await Promise.all(first.map(async (owner) => owner.open()));
    await delay(30 * patience);
    await Promise.all(first.map(async (owner) => owner.kill()));
    const second = Array.from({ length: count }, storm);
    await Promise.all(second.map(async (owner) => owner.open()));
    await delay(100 * patience);
    t.deepEqual(second.map(({ process: { exitCode } }) => exitCode), second.map(() => null));
    await Promise.all(second.map(async (owner) => owner.kill()));
  }
  t.deepEqual(await place.leftAfterOpening(), []);
  place.remove();
});

here('a record that cannot be read does not keep others from being started', async (t) => {
  const place = new Place(lab);
  const broken = join(place.stateRoot, 'containers', 'broken');
  const [first, second] = [await Runtime.open({ root: place.stateRoot }), await Runtime.open({ root: place.stateRoot })];
  mkdirSync(broken, { recursive: true });
  writeFileSync(join(broken, 'state.json'), '{"version": 99');
  await second.gc();
  t.true(existsSync(broken), 'it may belong to a launcher that lives');
  t.like(await (await second.run(lab.image, place.options(0))).exited, { code: 0 });
  await first.close();
  await second.close();
  rmSync(broken, { recursive: true });
  place.remove();
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
