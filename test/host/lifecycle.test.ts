// A container's life as its owner sees it: create, start, execute, signal, stop, pause, events, connect, abort.
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { TsrunError, type Container, type ContainerEvent, type ExecOptions, type RunOptions } from '../../src/index.js';
import { Lab, outcome, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';
import { kinds, namespaceOf, statusFields } from '../support/proc.js';
import { until } from '../support/until.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

async function withIdle(options: RunOptions, look: (container: Container) => Promise<void>): Promise<void> {
  const container = await lab.idle(options);
  try {
    await look(container);
  } finally {
    await container[Symbol.asyncDispose]();
  }
}

/** Resolves when it has said something. */
async function spoke({ stdout }: Container): Promise<void> {
  if (stdout !== null) await once(stdout, 'data');
}

async function code(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(() => undefined, (reason: unknown) => reason);
  return TsrunError.is(error) ? error.code : `no error: ${String(error)}`;
}

here('a created container has everything but its program, which start() executes', async (t) => {
  const runtime = await lab.runtime();
  const container = await runtime.create(lab.image, { id: lab.newId(), command: ['sh', '-c', 'echo ran; cat /proc/1/comm; true'] });
  t.is(container.state, 'created');
  t.true(container.pid > 0);
  t.regex(readFileSync(`/proc/${container.pid}/comm`, 'utf8'), /tsrun/);
  t.not(namespaceOf(container.pid, 'mount'), namespaceOf('self', 'mount'));
  t.is(runtime.inspect(container.id).state, 'created');
  t.is(runtime.list().find(({ id }) => id === container.id)?.state, 'created');
  await delay(200);
  t.is(container.exitStatus, undefined);
  container.start();
  t.is((await outcome(container)).stdout, 'ran\nsh\n');
  t.is(container.state, 'stopped');
});

here('a created container that is never started ends like any other; starting twice is refused', async (t) => {
  const runtime = await lab.runtime();
  const container = await runtime.create(lab.image, { id: lab.newId(), command: ['sleep', '1000'] });
  await container.kill('SIGKILL');
  t.like(await container.exited, { cause: 'signal', signal: 'SIGKILL' });
  await withIdle({}, async (running) => {
    t.is(await code(Promise.resolve().then(() => { running.start(); })), 'ERR_TSRUN_STATE');
    await Promise.resolve();
  });
});

here('a created container\'s missing program is told when it starts', async (t) => {
  const runtime = await lab.runtime();
  const container = await runtime.create(lab.image, { id: lab.newId(), command: ['no-such-program'] });
  container.start();
  t.is(await code(container.exited), 'ERR_TSRUN_COMMAND_NOT_FOUND');
});

here('what is executed is in all namespaces and the cgroup of the container, with its walls', async (t) => {
  await withIdle({ timeOffsets: { boottime: 50_000 }, hostname: 'inner' }, async (container) => {
    const executed = await (await lab.runtime()).exec(container, { command: ['sleep', '1000'], stdout: 'ignore' });
    t.deepEqual(kinds.filter((kind) => namespaceOf(executed.pid, kind) !== namespaceOf(container.pid, kind)), []);
    t.is(readFileSync(`/proc/${executed.pid}/cgroup`, 'utf8'), readFileSync(`/proc/${container.pid}/cgroup`, 'utf8'));
    await executed.kill();
    t.like(await executed.exited, { code: 137, signal: 'SIGKILL' });
    const fields = statusFields((await lab.exec(container, { command: ['cat', '/proc/self/status'] })).stdout);
    const own = statusFields(readFileSync(`/proc/${container.pid}/status`, 'utf8'));
    for (const name of ['CapBnd', 'CapEff', 'CapInh', 'CapAmb', 'NoNewPrivs', 'Seccomp', 'Groups']) {
      if (name !== 'Groups') t.is(fields.get(name), own.get(name), name);
    }
    t.is(fields.get('Uid'), '0\t0\t0\t0');
    t.is((await lab.exec(container, { command: ['sh', '-c', 'hostname; ls -d /proc/1/root/bin; cat /proc/self/oom_score_adj'] })).stdout, 'inner\n/proc/1/root/bin\n0\n');
  });
});

here('what is executed has a user, an environment, a folder, streams and an exit code of its own', async (t) => {
  await withIdle({ env: { A: 'container', B: 'both' }, cwd: '/tmp' }, async (container) => {
    const cases: [ExecOptions, string, number][] = [
      [{ command: ['sh', '-c', 'id -u; id -G; pwd'], user: 'app' }, '1000\n1000 10\n/tmp\n', 0],
      [{ command: ['sh', '-c', 'echo $A $B $C; pwd; exit 5'], env: { A: 'exec', C: 'new' }, cwd: '/etc' }, 'exec both new\n/etc\n', 5],
      [{ command: ['sh', '-c', 'echo $HOME ${TERM-none}'] }, '/root none\n', 0],
      [{ command: ['sh', '-c', 'echo $HOME $USER'], user: 'app', env: { USER: 'app' } }, '/home/app app\n', 0],
      [{ command: ['sh', '-c', 'echo $HOME'], user: 'app', env: { HOME: '/given' } }, '/given\n', 0],
      [{ command: ['sh', '-c', 'echo $HOME'], user: '12:34' }, '/\n', 0],
      [{ command: ['sh', '-c', 'echo $HOME'], groups: [10] }, '/root\n', 0],
      [{ command: ['id', '-u'], user: '12:34' }, '12\n', 0],
    ];
    for (const [options, stdout, expected] of cases) {
      const result = await lab.exec(container, options);
      t.is(result.stdout, stdout, result.stderr);
      t.is(result.status.code, expected);
    }
    await withIdle({ env: { HOME: '/data' } }, async (other) => {
      t.is((await lab.exec(other, { command: ['sh', '-c', 'echo $HOME'], user: 'app' })).stdout, '/data\n', 'one that was asked for is every user\'s');
    });
    const cat = await (await lab.runtime()).exec(container, { command: ['cat'], stdin: 'pipe' });
    cat.stdin?.end('through');
    t.is((await outcome(cat)).stdout, 'through');
    t.is(await code(lab.exec(container, { command: ['no-such-program'] })), 'ERR_TSRUN_COMMAND_NOT_FOUND');
    t.is(await code(lab.exec(container, { command: ['true'], user: 'no-such-user' })), 'ERR_TSRUN_USER_NOT_FOUND');
    t.is((await lab.exec(container, { command: ['sh', '-c', 'ask-kernel mount-tmpfs'], privileged: true })).stdout, 'mount-tmpfs ok\n');
  });
});

here('forty processes executed at once, while the container\'s first one ends', async (t) => {
  const container = await lab.idle();
  const results = await Promise.all(Array.from({ length: 40 }, async (_, number) => lab.exec(container, { command: ['sh', '-c', `exit ${number}`] })));
  t.deepEqual(results.map(({ status }) => status.code), Array.from({ length: 40 }, (_, number) => number));
  const runtime = await lab.runtime();
  const waiting = await Promise.all(Array.from({ length: 10 }, async () => runtime.exec(container, { command: ['sleep', '1000'], stdout: 'ignore' })));
  await container.kill('SIGKILL');
  t.is((await container.exited).code, 137);
  for (const each of waiting) t.is((await each.exited).code, 137);
  t.is(await code(lab.exec(container, { command: ['true'] })), 'ERR_TSRUN_STATE');
});

here('stop: the signal, the grace, SIGKILL', async (t) => {
  const graceful = await lab.start({ command: ['sh', '-c', 'trap "echo bye; exit 7" TERM; echo ready; while :; do sleep 0.05; done'] });
  await spoke(graceful);
  t.like(await graceful.stop(), { code: 7, cause: 'exit' });
  const stubborn = await lab.idle();
  const start = Date.now();
  t.like(await stubborn.stop({ graceMs: 300 }), { code: 137, signal: 'SIGKILL' });
  t.true(Date.now() - start >= 290);
  const other = await lab.start({ command: ['sh', '-c', 'trap "exit 8" USR1; echo ready; while :; do sleep 0.05; done'], stopSignal: 'SIGUSR1', stopTimeoutMs: -1 });
  await spoke(other);
  t.like(await other.stop(), { code: 8 });
  t.like(await other.stop(), { code: 8 }, 'once more is no error');
});

here('signals by name and number; after the end there is nobody to signal', async (t) => {
  const container = await lab.start({ command: ['sh', '-c', 'trap "echo usr1" USR1; trap "echo hup" HUP; echo ready; while :; do sleep 0.05; done'] });
  let said = '';
  // One listener for all of it: between two there is nobody who hears.
  container.stdout?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  const hears = async (word: string) => until(() => said.split('\n').includes(word), word);
  await hears('ready');
  await container.kill('USR1');
  await hears('usr1');
  await container.kill(1);
  await hears('hup');
  t.is(await code(container.kill('SIGNONE')), 'ERR_TSRUN_INVALID_ARGUMENT');
  await container.kill('SIGKILL');
  await container.exited;
  t.is(await code(container.kill('SIGTERM')), 'ERR_TSRUN_STATE');
});

here('a paused container stands still, and goes on', async (t) => {
  const container = await lab.start({ command: ['sh', '-c', 'while :; do echo tick; sleep 0.05; done'] });
  let ticks = 0;
  container.stdout?.on('data', () => ticks++);
  await spoke(container);
  await container.pause();
  await delay(200);
  const before = ticks;
  await delay(500);
  t.is(ticks, before);
  t.is(statusFields(readFileSync(`/proc/${container.pid}/status`, 'utf8')).get('State')?.slice(0, 1).replace('D', 'S'), 'S');
  await container.resume();
  await spoke(container);
  await container.pause();
  await container[Symbol.asyncDispose]();
  t.is((await container.exited).code, 137, 'and ends while it is paused');
});

here('events: started, exited; each reader hears all from when it began', async (t) => {
  const container = await lab.start({ command: ['sh', '-c', 'sleep 0.3; exit 4'] });
  const listen = async () => {
    const events: ContainerEvent[] = [];
    for await (const event of container.events()) events.push(event);
    return events;
  };
  const [first, second] = await Promise.all([listen(), listen()]);
  t.deepEqual(first.slice(1), second);
  t.like(first.at(-1), { type: 'exited', status: { code: 4 } });
  t.like(first[0], { type: 'started', pid: container.pid }, 'the first reader hears of the start');
  t.deepEqual(await listen(), [], 'after the end there is nothing to hear');
  await withIdle({}, async (idle) => {
    const abort = new AbortController();
    const heard = (async () => {
      for await (const event of idle.events({ signal: abort.signal })) t.is(event.type, 'started');
    })();
    abort.abort();
    await heard;
    for await (const event of idle.events({ signal: AbortSignal.abort() })) t.fail(event.type);
  });
});

here('a program whose time is over is stopped, then killed', async (t) => {
  t.like(await lab.idle({ timeoutMs: 100, init: true }).then(async ({ exited }) => exited), { code: 143, cause: 'timeout' });
  t.like(await lab.idle({ timeoutMs: 100, stopTimeoutMs: 100 }).then(async ({ exited }) => exited), { code: 137, signal: 'SIGKILL', cause: 'timeout' });
  t.like((await lab.run({ command: ['true'], timeoutMs: 60_000 })).status, { code: 0, cause: 'exit' });
  const created = await (await lab.runtime()).create(lab.image, { id: lab.newId(), command: ['sleep', '1000'], timeoutMs: 200, stopTimeoutMs: 10 });
  await delay(400);
  t.is(created.exitStatus, undefined, 'the time begins with the program');
  created.start();
  t.is((await created.exited).cause, 'timeout');
  const error = await t.throwsAsync(lab.idle({ timeoutMs: 100, survive: true }), { instanceOf: TsrunError });
  t.is(error.field, '/timeoutMs');
});

here('a server inside is reached through connect, without any network', async (t) => {
  const container = await lab.start({ command: ['sh', '-c', 'mkdir /www; echo "from inside" >/www/page; echo ready; exec httpd -f -p 8080 -h /www'] });
  await spoke(container);
  const get = async (host: string) => {
    for (let attempt = 0; ; attempt++) {
      try {
        const socket = await container.connect(8080, { host });
        socket.end('GET /page HTTP/1.0\r\n\r\n');
        const answer = await text(socket);
        if (answer !== '') return answer;
      } catch (error) {
        if (attempt > 100 * patience) throw error;
      }
      await delay(20);
    }
  };
  t.regex(await get('127.0.0.1'), /^HTTP\/1\.[01] 200 OK[^]*from inside\n$/);
  t.regex(await get('::1'), /200 OK/);
  t.is(await code(container.connect(0)), 'ERR_TSRUN_INVALID_ARGUMENT');
  t.is(await code(container.connect(80, { host: 'localhost' })), 'ERR_TSRUN_INVALID_ARGUMENT');
  const refused = await container.connect(9).then((socket) => once(socket, 'error'), (error: unknown) => [error]);
  t.regex(String(refused[0]), /ECONNREFUSED/);
  await container[Symbol.asyncDispose]();
});

here('an AbortSignal ends the container, and exited says so', async (t) => {
  const abort = new AbortController();
  const container = await lab.idle({ signal: abort.signal, stopTimeoutMs: 100 });
  abort.abort(new Error('enough'));
  const error = await t.throwsAsync(container.exited, { instanceOf: TsrunError });
  t.is(error.code, 'ERR_TSRUN_ABORTED');
  t.like(error.cause, { message: 'enough' });
  t.is(await code(lab.idle({ signal: AbortSignal.abort() })), 'ERR_TSRUN_ABORTED');
});

needs('root', 'userns', 'overlay', 'cgroup2')('an AbortSignal ends a start that does not come to an end', async (t) => {
  const { host } = await lab.runtime();
  const freeze = join(host.cgroup.root, host.cgroup.base, 'cgroup.freeze');
  const abort = new AbortController();
  // Born into a frozen cgroup, a process does not even begin (cgroups.rst, "cgroup.freeze").
  writeFileSync(freeze, '1');
  try {
    const starts = [lab.idle({ signal: abort.signal }), lab.idle({ signal: abort.signal, init: true })];
    const ends = Promise.allSettled(starts);
    t.is(await Promise.race([ends, delay(300, 'stands still')]), 'stands still');
    abort.abort(new Error('enough'));
    for (const end of await ends) t.like(end, { status: 'rejected', reason: { code: 'ERR_TSRUN_ABORTED', cause: { message: 'enough' } } });
  } finally {
    writeFileSync(freeze, '0');
  }
  t.deepEqual((await lab.runtime()).containers, []);
});

here('an AbortSignal ends what was created and never started', async (t) => {
  const abort = new AbortController();
  const container = await (await lab.runtime()).create(lab.image, { id: lab.newId(), command: ['true'], signal: abort.signal });
  abort.abort();
  t.is(await code(container.exited), 'ERR_TSRUN_ABORTED');
});

here('list, inspect and remove; a name is taken once', async (t) => {
  const runtime = await lab.runtime();
  const id = lab.newId();
  const container = await lab.idle({ id, autoRemove: false, labels: { a: 'b' } });
  t.is(await code(lab.idle({ id })), 'ERR_TSRUN_EXISTS');
  t.is(await runtime.find(id), container, 'who is refused the name does not push out who has it');
  t.true(runtime.containers.includes(container));
  t.like(runtime.inspect(id), { id, state: 'running', pid: container.pid, record: { labels: { a: 'b' } } });
  t.true(runtime.list().some((each) => each.id === id));
  t.throws(() => { runtime.remove(id); }, { code: 'ERR_TSRUN_STATE' });
  await container.stop({ graceMs: 0 });
  t.like(runtime.inspect(id), { state: 'stopped', exit: { code: 137, signal: 'SIGKILL' } });
  runtime.remove(id);
  t.throws(() => runtime.inspect(id), { code: 'ERR_TSRUN_NOT_FOUND' });
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
