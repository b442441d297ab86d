// Containers that outlive their owner; several runtimes and processes on one state root; many containers at once.
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { Runtime, TsrunError, type Container, type RunOptions } from '../../src/index.js';
import { Lab, outcome, patience } from '../support/lab.js';
import { launchersOf, processesOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';
import { Owner } from '../support/owners.js';
import { namespaceOf } from '../support/proc.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

async function withOwner(containers: readonly RunOptions[], body: (owner: Owner) => Promise<void>): Promise<void> {
  await lab.runtime();
  const owner = new Owner({ stateRoot: lab.stateRoot, image: lab.image, containers });
  try {
    await owner.open();
    await body(owner);
  } finally {
    await owner.kill();
  }
}

async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 20_000 * patience;
  while (!condition()) {
    if (Date.now() > end) throw new Error('waited in vain');
    await delay(20);
  }
}

const isAlive = (pid: number): boolean => existsSync(`/proc/${pid}/exe`);

/** Reads until the text was said. */
async function hears(container: Container, text: string): Promise<string> {
  let heard = '';
  const { stdout } = container;
  while (stdout !== null && !heard.includes(text)) heard += String(await once(stdout, 'data'));
  return heard;
}

here('without survive a container dies with its owner, and everything of it goes', async (t) => {
  const id = lab.newId();
  await withOwner([{ id, command: ['sleep', '1000'] }], async (owner) => {
    const { pid } = await owner.started();
    t.true(isAlive(pid));
    await owner.kill();
    await until(() => !isAlive(pid) && processesOf(id).length === 0);
    await (await lab.runtime()).gc();
    t.false(existsSync(join(lab.stateRoot, 'containers', id)));
  });
});

here('with survive it lives on when its owner is killed; another process adopts it with input, output, exit and usage', async (t) => {
  const id = lab.newId();
  const script = 'echo before; while read line; do echo "heard $line"; [ "$line" = end ] && exit 6; done';
  await withOwner([{ id, survive: true, stdin: 'pipe', command: ['sh', '-c', script] }], async (owner) => {
    const { pid } = await owner.started();
    await owner.kill();
    await delay(200);
    t.true(isAlive(pid));
    const runtime = await lab.runtime();
    t.like(runtime.inspect(id), { state: 'running', pid });
    const container = await runtime.adopt(id);
    t.is(container.pid, pid);
    container.stdin?.write('hello\n');
    t.is(await hears(container, 'hello\n'), 'heard hello\n', 'what it said before is in its log');
    t.is((await lab.exec(container, { command: ['sh', '-c', 'echo in $(hostname)'] })).status.code, 0);
    container.stdin?.write('end\n');
    const status = await container.exited;
    t.like(status, { code: 6, cause: 'exit' });
    t.true(status.usage.cpuUs > 0 && status.durationMs > 100);
    t.false(isAlive(pid));
  });
});

here('an exit that nobody was there for is told by inspect', async (t) => {
  const id = lab.newId();
  await withOwner([{ id, survive: true, autoRemove: false, command: ['sh', '-c', 'sleep 1; exit 33'] }], async (owner) => {
    await owner.started();
    await owner.kill();
    const runtime = await lab.runtime();
    await until(() => runtime.inspect(id).state === 'stopped');
    t.like(runtime.inspect(id).exit, { code: 33, cause: 'exit' });
    t.true((runtime.inspect(id).exit?.durationMs ?? 0) > 900);
    const error = await t.throwsAsync(runtime.adopt(id), { instanceOf: TsrunError });
    t.is(error.code, 'ERR_TSRUN_STATE');
    runtime.remove(id);
  });
});

here('while its owner lives a container is not adopted, but may be found, looked at, signalled and stopped', async (t) => {
  const [first, second] = [lab.newId(), lab.newId()];
  await withOwner([{ id: first, survive: true, command: ['sleep', '1000'] }, { id: second, command: ['sh', '-c', 'trap "exit 12" USR1; while :; do sleep 0.05; done'] }], async (owner) => {
    await owner.started();
    await owner.started();
    const runtime = await lab.runtime();
    const owned = await t.throwsAsync(runtime.adopt(first), { instanceOf: TsrunError, code: 'ERR_TSRUN_STATE', message: /owned by another process/ });
    t.regex(owned.hint ?? '', /attach/);
    const found = await runtime.find(first);
    t.is((await lab.exec(found, { command: ['hostname'] })).status.code, 0);
    t.true((await found.stats()).cpu.usageUs > 0);
    t.like(await found.stop({ graceMs: 50 }), { code: 137 });
    const other = await runtime.find(second);
    await delay(300);
    await other.kill('SIGUSR1');
    t.like(await other.exited, { code: 12 });
    await t.throwsAsync(runtime.find('no-such-container'), { code: 'ERR_TSRUN_NOT_FOUND' });
  });
});

here('the ids of a container that survived stay its own until it ends', async (t) => {
  const id = lab.newId();
  await withOwner([{ id, survive: true, command: ['sleep', '1000'] }], async (owner) => {
    const { pid } = await owner.started();
    const start = readFileSync(`/proc/${pid}/uid_map`, 'utf8').trim().split(/\s+/)[1] ?? '';
    await owner.kill();
    const runtime = await lab.runtime();
    await until(() => launchersOf(lab.stateRoot).length === 2);
    await runtime.gc();
    const reserved = () => readdirSync(join(lab.stateRoot, 'ranges'));
    t.true(reserved().includes(start), `${start} is not in ${reserved().join(' ')}`);
    const container = await runtime.adopt(id);
    await container.stop({ graceMs: 0 });
    await runtime.gc();
    t.false(reserved().includes(start));
  });
});

here('the launcher of survivors ends with the last of them', async (t) => {
  const id = lab.newId();
  await withOwner([{ id, survive: true, command: ['sleep', '0.5'] }], async (owner) => {
    await owner.started();
    t.is(launchersOf(lab.stateRoot).length, 3, 'this one\'s, the owner\'s, and that of survivors');
    await owner.kill();
    await until(() => launchersOf(lab.stateRoot).length === 1);
    t.pass();
  });
});

here('a launcher of survivors that was killed is replaced by the next start, under the same name too', async (t) => {
  const runtime = await lab.runtime();
  const id = lab.newId();
  const first = await lab.idle({ id, survive: true });
  const launcher = Number(/^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${first.pid}/status`, 'utf8'))?.[1]);
  process.kill(launcher, 'SIGKILL');
  await until(() => !isAlive(launcher));
  const [again, other] = await Promise.all([lab.idle({ id, survive: true }), lab.idle({ survive: true })]);
  t.is((await first.exited).cause, 'lost');
  t.is(again.record.launcher, other.record.launcher);
  t.not(again.record.launcher, first.record.launcher);
  t.is(runtime.inspect(id).pid, again.pid);
  await Promise.all([again, other].map(async (each) => each[Symbol.asyncDispose]()));
});

/** The kernel has closed what it held. */
function awaitEnd(pid: number): void {
  const isThere = () => {
    try {
      return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
    } catch {
      return false;
    }
  };
  while (isThere());
}

here('one that is killed when it was just chosen is replaced as well', async (t) => {
  const first = await lab.idle({ survive: true });
  const launcher = Number(/^PPid:\t(\d+)/m.exec(readFileSync(`/proc/${first.pid}/status`, 'utf8'))?.[1]);
  let looks = 0;
  const options: RunOptions = {
    id: lab.newId(), command: ['sleep', '1000'], stdout: 'ignore', stderr: 'ignore', survive: true,
    // It is looked at when a launcher was chosen, and before that is sent anything.
    get hostname() {
      if (++looks === 1) {
        process.kill(launcher, 'SIGKILL');
        awaitEnd(launcher);
      }
      return 'late';
    },
  };
  const container = await (await lab.runtime()).run(lab.image, options);
  t.true(looks > 1);
  t.not(container.record.launcher, first.record.launcher);
  t.is((await first.exited).cause, 'lost');
  await container[Symbol.asyncDispose]();
});

here('a container that survives is not ended by close()', async (t) => {
  const id = lab.newId();
  const runtime = await Runtime.open({ root: lab.stateRoot });
  const { pid } = await runtime.run(lab.image, { id, survive: true, command: ['sleep', '1000'] });
  await runtime.close();
  await delay(200);
  t.true(isAlive(pid));
  const container = await (await lab.runtime()).adopt(id);
  t.like(await container.stop({ graceMs: 0 }), { code: 137 });
});

here('two runtimes in one process do not meet', async (t) => {
  const other = await Runtime.open({ root: lab.stateRoot });
  const [mine, theirs] = await Promise.all([lab.idle(), other.run(lab.image, { id: lab.newId(), command: ['sleep', '1000'], stdout: 'ignore' })]);
  t.not(namespaceOf(mine.pid, 'user'), namespaceOf(theirs.pid, 'user'));
  t.not(readFileSync(`/proc/${mine.pid}/uid_map`, 'utf8'), readFileSync(`/proc/${theirs.pid}/uid_map`, 'utf8'));
  t.deepEqual(other.containers.map(({ id }) => id), [theirs.id]);
  await other.close();
  t.false(isAlive(theirs.pid));
  t.true(isAlive(mine.pid));
  t.like(await mine.stop({ graceMs: 0 }), { code: 137 });
});

here('a hundred containers at once, each with what it was given', async (t) => {
  const results = await Promise.all(Array.from({ length: 100 }, async (_, number) => lab.sh(`echo ${number}; sleep 0.2; cat /proc/sys/kernel/hostname; exit ${number}`, { hostname: `h${number}` })));
  for (const [number, { stdout, status }] of results.entries()) {
    t.is(stdout, `${number}\nh${number}\n`);
    t.is(status.code, number);
  }
  const living = await Promise.all(Array.from({ length: 100 }, async () => lab.idle()));
  t.is(new Set(living.map(({ pid }) => readFileSync(`/proc/${pid}/uid_map`, 'utf8'))).size, 100);
  await Promise.all(living.map(async (container) => container[Symbol.asyncDispose]()));
});

here('descriptors of this process do not grow with the containers that it has run', async (t) => {
  const count = () => readdirSync('/proc/self/fd').length;
  const cycle = async () => {
    const container = await lab.start({ command: ['cat'], stdin: 'pipe' });
    container.stdin?.end('x');
    t.is((await outcome(container)).stdout, 'x');
  };
  for (let turn = 0; turn < 5; turn++) await cycle();
  const before = count();
  for (let turn = 0; turn < 20; turn++) await cycle();
  await until(() => count() <= before);
  t.pass();
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
