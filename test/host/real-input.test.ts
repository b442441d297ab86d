// Real programs in a real distribution's root: Node and Python from Debian, as a platform runs them.
import { cpSync, existsSync } from 'node:fs';
import { once } from 'node:events';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { readLog, type Container, type ContainerEvent, type ExitStatus, type RunOptions } from '../../src/index.js';
import { killAgent, startAgent } from '../support/agent.js';
import { ask as get, type Answer } from '../support/http.js';
import { fixture, Lab, outcome, patience } from '../support/lab.js';
import { inLongForm, needs, type Need } from '../support/needs.js';
import { Screen } from '../support/screen.js';
import { until } from '../support/until.js';

const lab = new Lab();
const common: readonly Need[] = ['root', 'userns', 'overlay'];
const here = needs(...common);
const port = 5000;

let image: string | undefined;

/** The programs lie on a volume, as a platform that does not build images would bring them. */
function app(program: string, options: RunOptions = {}): RunOptions {
  const source = join(lab.scratch, 'apps');
  if (!existsSync(source)) cpSync(resolve(import.meta.dirname, '../../../test/support/apps'), source, { recursive: true });
  return {
    command: [program.endsWith('.py') ? 'python3' : 'node', `/app/${program}`],
    user: 'app',
    env: { PORT: String(port), PYTHONUNBUFFERED: '1' },
    mounts: [{ type: 'bind', source, destination: '/app', readonly: true }],
    ...options,
  };
}

function debian(): string {
  image ??= fixture('debian');
  return image;
}

/** A container whose program has said that it listens; what it says later is collected. */
async function serve(program: string, options: RunOptions = {}): Promise<{ readonly container: Container; readonly said: () => string }> {
  const container = await lab.start(app(program, { stderr: 'ignore', ...options }), debian());
  let output = '';
  container.stdout?.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  await until(() => output.includes('listening\n'), `${program} to listen`);
  return { container, said: () => output };
}

const ask = async (container: Container, path: string, body?: Buffer): Promise<Answer> => get(container, port, path, body);

function lines(t: ExecutionContext, output: { readonly stdout: string; readonly stderr: string; readonly status: ExitStatus }): string[] {
  t.is(output.stderr, '');
  t.is(output.status.code, 0);
  return output.stdout.trimEnd().split('\n');
}

here('Node finds everything that it uses under the default profile', async (t) => {
  t.deepEqual(lines(t, await lab.run(app('facilities.mjs'), debian())), [
    'worker threads: 4',
    'child processes: one 3 forked 5',
    'a killed child: SIGKILL',
    'fetch to itself: /x /x /x',
    'unix sockets: through',
    'datagrams: datagram',
    'cluster: worker worker',
    'a watched folder: new',
    'cryptography: ed25519 e3b0c442',
    'the user: app 1000',
    'names of hosts: 127.0.0.1',
    'a lower priority: 10',
    'only its own processes: true',
    'a title: renamed',
  ]);
});

here('Python finds everything that it uses under the default profile', async (t) => {
  t.deepEqual(lines(t, await lab.run(app('facilities.py'), debian())), [
    "subprocesses: ('one', 3, 4)",
    "processes: ([1, 4, 9], 'queued', 0)",
    'shared memory: 9',
    'threads: [0, 1, 4, 9]',
    "a database: ('wal', 7)",
    "tls: ('CERT_REQUIRED', 8)",
    "asyncio: ('echo', 0)",
    'signals: SIGALRM',
    'locks: 4096',
    'events: (1, 3, True)',
    "the system: (1024, True, 'app', True)",
  ]);
});

here('a Node server answers through connect, finishes what it has begun on SIGTERM, and its exit code arrives', async (t) => {
  const { container, said } = await serve('server.mjs');
  t.deepEqual(await ask(container, '/'), { status: 200, body: 'hello from pid 1\n' });
  t.is((await ask(container, '/nowhere')).status, 404);
  const large = Buffer.alloc(2_000_000, 'x');
  t.is((await ask(container, '/echo', large)).body.length, large.length);
  const many = await Promise.all(Array.from({ length: 20 }, async () => ask(container, '/')));
  t.true(many.every(({ status }) => status === 200));
  // Half a request is open while it is told to end.
  const socket = await container.connect(port);
  socket.write('POST /echo HTTP/1.1\r\nHost: app\r\nContent-Length: 4\r\nConnection: close\r\n\r\nha');
  let answer = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    answer += chunk;
  });
  await until(() => answer.includes('ha'), 'the first half');
  const ended = container.stop({ graceMs: 30_000 * patience });
  await until(() => said().includes('SIGTERM: finishing\n'), 'the handler');
  socket.write('lf');
  t.like(await ended, { code: 7, cause: 'exit' });
  t.regex(answer, /^HTTP\/1\.1 200 OK\r\n[^]*\r\nha\r\n2\r\nlf\r\n0\r\n/);
  t.regex(said(), /finished after 24 requests\n$/);
});

here('a Python server answers through connect, and its handler of SIGTERM runs', async (t) => {
  const { container, said } = await serve('worker.py');
  t.deepEqual(await ask(container, '/x'), { status: 200, body: 'python GET /x\n' });
  t.like(await container.stop({ graceMs: 30_000 * patience }), { code: 9, cause: 'exit' });
  t.true(said().endsWith('SIGTERM: finishing\n'));
});

here('a program that does not listen to SIGTERM is killed after its grace', async (t) => {
  const container = await lab.start({ command: ['python3', '-c', 'import time; print("up", flush=True); time.sleep(1000)'] }, debian());
  if (container.stdout !== null) await once(container.stdout, 'data');
  t.like(await container.stop({ graceMs: 200 }), { code: 137, signal: 'SIGKILL', cause: 'signal' });
});

here('under the reaper a program that has no handler ends on SIGTERM itself', async (t) => {
  const { container } = await serve('server.mjs', { init: true });
  t.deepEqual(await ask(container, '/'), { status: 200, body: 'hello from pid 2\n' });
  t.is((await container.stop({ graceMs: 30_000 * patience })).code, 7);
  const deaf = await lab.start({ command: ['python3', '-c', 'import time; print("up", flush=True); time.sleep(1000)'], init: true }, debian());
  if (deaf.stdout !== null) await once(deaf.stdout, 'data');
  t.like(await deaf.stop({ graceMs: 30_000 * patience }), { code: 143 });
});

async function onTerminal(options: RunOptions, body: (screen: Screen, container: Container) => Promise<void>): Promise<ExitStatus> {
  const container = await lab.start({ terminal: { rows: 33, columns: 99 }, env: { TERM: 'dumb', PYTHON_HISTORY: '/dev/null' }, ...options }, debian());
  try {
    await body(new Screen(container), container);
    return await Promise.race([container.exited, delay(30_000 * patience, undefined, { ref: false }).then(async () => container.stop({ graceMs: 0 }))]);
  } finally {
    await container[Symbol.asyncDispose]();
  }
}

here('the interpreter of Python is used on a terminal, interrupted, and left', async (t) => {
  const status = await onTerminal({ command: ['python3', '-q'] }, async (screen, container) => {
    await screen.sees(/>>> /);
    screen.type('6 * 7\n');
    await screen.sees(/42\r\n>>> /);
    screen.type('import os; os.get_terminal_size()\n');
    await screen.sees(/columns=99, lines=33\)\r\n>>> /);
    container.terminal?.resize(44, 111);
    screen.type('os.get_terminal_size()\n');
    await screen.sees(/columns=111, lines=44\)\r\n>>> /);
    screen.type('while True: pass\n\n');
    await screen.sees(/\.\.\. /);
    await delay(200 * patience);
    screen.type('\x03');
    await screen.sees(/KeyboardInterrupt\r\n>>> /);
    screen.type('exit(3)\n');
  });
  t.is(status.code, 3);
});

here('the shell of a terminal controls jobs', async (t) => {
  const status = await onTerminal({ command: ['bash', '--norc', '--noprofile', '-i'], env: { TERM: 'dumb', PS1: 'ready> ' } }, async (screen) => {
    const greeting = screen.sees(/ready> /);
    await greeting;
    screen.type('stty size; tty\n');
    await screen.sees(/33 99\r\n\/dev\/pts\/0\r\nready> /);
    screen.type('sleep 1000\n');
    await screen.sees(/sleep 1000\r\n/);
    await delay(300 * patience);
    screen.type('\x1a');
    await screen.sees(/\[1\]\+ {2}Stopped +sleep 1000\r\nready> /);
    screen.type('bg; jobs\n');
    await screen.sees(/\[1\]\+ {2}Running +sleep 1000 &\r\nready> /);
    screen.type('fg\n');
    await screen.sees(/sleep 1000\r\n/);
    await delay(300 * patience);
    screen.type('\x03');
    await screen.sees(/ready> /);
    screen.type('echo "it ended with $?"; set -o | grep monitor\n');
    await screen.sees(/it ended with 130\r\nmonitor +\ton\r\n/);
    screen.type('exit 4\n');
  });
  t.is(status.code, 4);
});

here('a Node program sees its terminal change', async (t) => {
  const script = 'process.stdout.on("resize", () => console.log(process.stdout.columns, process.stdout.rows, process.stdin.isTTY)); process.stdin.resume(); console.log("ready")';
  const status = await onTerminal({ command: ['node', '-e', script] }, async (screen, container) => {
    await screen.sees(/ready\r\n/);
    container.terminal?.resize(20, 70);
    await screen.sees(/70 20 true\r\n/);
    screen.type('\x04');
  });
  t.is(status.code, 0);
});

here('a server outlives its agent, is adopted with what it printed meanwhile, goes on answering, and its exit code arrives', async (t) => {
  const runtime = await lab.runtime();
  const id = lab.newId();
  const { agent, started } = await startAgent({ root: lab.stateRoot, image: debian(), options: app('server.mjs', { id, survive: true }) });
  const log = async (): Promise<string> => {
    const pieces: string[] = [];
    for await (const { bytes } of readLog(runtime.statePath(id))) pieces.push(bytes.toString());
    return pieces.join('');
  };
  await until(async () => (await log()).includes('listening'), 'the server');
  const witness = await runtime.find(id);
  await killAgent(agent);
  t.is(runtime.inspect(id).state, 'running');
  t.is((await ask(witness, '/print?text=nobody+there')).status, 200);
  await until(async () => (await log()).includes('nobody there\n'), 'output in the log');
  const adopted = await runtime.adopt(id);
  t.is(adopted.pid, started.pid);
  t.is(await log(), 'listening\nnobody there\n');
  const more = adopted.stdout === null ? undefined : once(adopted.stdout, 'data');
  await ask(adopted, '/print?text=adopted');
  t.is(String((await more)?.[0]), 'adopted\n', 'new output comes as a stream');
  const executed = await outcome(await runtime.exec(adopted, { command: ['node', '-p', '6*7'] }));
  t.is(executed.stdout, '42\n');
  t.like(await adopted.stop({ graceMs: 30_000 * patience }), { code: 7, cause: 'exit' });
  t.like(await witness.exited, { code: 7 }, 'who only watches hears of it too');
  // What the dead agent had reserved is given back by the next command that looks.
  await runtime.gc();
});

here('an exit that nobody was there for is read later', async (t) => {
  const runtime = await lab.runtime();
  const id = lab.newId();
  const { agent } = await startAgent({ root: lab.stateRoot, image: debian(), options: app('server.mjs', { id, survive: true, autoRemove: false }) });
  const witness = await runtime.find(id);
  await until(async () => ask(witness, '/').then(() => true, () => false), 'the server');
  await killAgent(agent);
  await ask(witness, '/end?code=33');
  await until(() => runtime.inspect(id).state === 'stopped', 'its end');
  t.like(runtime.inspect(id).exit, { code: 33, cause: 'exit' });
  await t.throwsAsync(runtime.adopt(id), { code: 'ERR_TSRUN_STATE' });
  runtime.remove(id);
  await runtime.gc();
});

const limitNeeds: readonly Need[] = [...common, 'cgroup2:memory', 'cgroup2:pids', 'cgroup2:cpu'];
// Two Nodes in a guest: minutes. limits.test.ts shows the same of small programs.
const limited = inLongForm(...limitNeeds);
// Node has a dozen threads; with many more processes it would be memory that ends first.
const limits: RunOptions = { memory: '160m', pids: 28, cpus: 0.5 };

limited('a limited server answers, is counted, and cannot have more processes than its limit', async (t) => {
  const { container } = await serve('server.mjs', limits);
  t.is((await ask(container, '/')).status, 200);
  const stats = await container.stats();
  t.like(stats.memory, { maxBytes: 160 * 2 ** 20 });
  const inside = await lab.exec(container, { command: ['sh', '-c', 'cat /sys/fs/cgroup/memory.max /sys/fs/cgroup/pids.max /sys/fs/cgroup/cpu.max'] });
  t.is(inside.stdout, `${160 * 2 ** 20}\n28\n50000 100000\n`);
  const bomb = await lab.exec(container, { command: ['python3', '-c', 'import os, time\nfor n in range(100):\n  if os.fork() == 0: time.sleep(3)\n'] });
  t.regex(bomb.stderr, /BlockingIOError/);
  t.is((await ask(container, '/')).status, 200, 'the server itself goes on');
  const status = await container.stop({ graceMs: 30_000 * patience });
  t.true(status.pidsRefused > 0);
});

for (const [program, step] of [['server.mjs', 'bytes=20000000'], ['worker.py', '20000000']] as const) {
  limited(`${program} dies of memory, and the exit says so`, async (t) => {
    const { container } = await serve(program, limits);
    const seen: ContainerEvent['type'][] = [];
    const watching = (async () => {
      for await (const { type } of container.events()) seen.push(type);
    })();
    for (let turn = 0; turn < 20 && container.state === 'running'; turn++) await ask(container, `/hold?${step}`).catch(() => undefined);
    const status = await container.exited;
    await watching;
    t.like(status, { code: 137, signal: 'SIGKILL', cause: 'oom' });
    t.true(status.oomKills > 0 && (status.usage.memoryPeakBytes ?? 0) > 100_000_000);
    t.true(seen.includes('oom'), seen.join(' '));
  });
}

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
