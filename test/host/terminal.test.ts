// The terminal, and the reaper of `--init`.
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import test, { type ExecutionContext } from 'ava';
import { TsrunError, type Container, type ExecProcess, type RunOptions } from '../../src/index.js';
import { Lab, patience } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

/** What a terminal prints, for a test that types and waits for an answer. */
class Screen {
  text = '';
  readonly #running: Container | ExecProcess;
  #look: (() => void) | undefined;

  constructor(running: Container | ExecProcess) {
    this.#running = running;
    running.terminal?.output.on('data', (chunk: Buffer) => {
      this.text += chunk.toString();
      this.#look?.();
    });
  }

  type(keys: string): void {
    this.#running.terminal?.input.write(keys);
  }

  async shows(t: ExecutionContext, pattern: RegExp): Promise<RegExpExecArray> {
    const limit = Date.now() + 20_000 * patience;
    for (;;) {
      const found = pattern.exec(this.text);
      if (found !== null) return found;
      if (Date.now() > limit) t.fail(`the terminal does not show ${String(pattern)}, but: ${this.text}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.#look = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

async function onTerminal(t: ExecutionContext, options: RunOptions, body: (screen: Screen, container: Container) => Promise<void>): Promise<void> {
  const container = await lab.start({ terminal: true, ...options });
  try {
    const screen = new Screen(container);
    await body(screen, container);
  } finally {
    await container[Symbol.asyncDispose]();
  }
  t.pass();
}

here('the three streams are one terminal, of the container\'s own devpts, and it is the controlling one', async (t) => {
  const script = 'test -t 0 && test -t 1 && test -t 2 && echo all three; tty; stat -c "%t %a %u" /dev/console; readlink /proc/self/fd/0; who-am-i; echo done';
  await onTerminal(t, { command: ['sh', '-c', script] }, async (screen, container) => {
    await screen.shows(t, /done\r\n/);
    t.true(screen.text.startsWith('all three\r\n/dev/pts/0\r\n88 '), screen.text);
    t.regex(screen.text, /^terminal yes\r$/m);
    t.regex(screen.text, /^descriptors 0 1 2\r$/m);
    t.is(container.stdout, null);
    t.is((await container.exited).code, 0);
  });
});

here('it has the size that was asked for, and is resized while the program runs', async (t) => {
  const script = 'trap "stty size; echo resized" WINCH; stty size; echo ready; while :; do sleep 0.1; done';
  await onTerminal(t, { terminal: { rows: 31, columns: 97 }, command: ['sh', '-c', script] }, async (screen, container) => {
    await screen.shows(t, /31 97\r\nready/);
    container.terminal?.resize(40, 120);
    await screen.shows(t, /40 120\r\nresized/);
  });
});

here('what is typed arrives, is echoed, and Ctrl-C interrupts', async (t) => {
  await onTerminal(t, { command: ['sh'], env: { PS1: 'prompt> ' } }, async (screen, container) => {
    await screen.shows(t, /prompt> /);
    screen.type('echo $((40 + 2))\n');
    await screen.shows(t, /echo \$\(\(40 \+ 2\)\)\r\n42\r\n/);
    screen.type('sh -c "echo be""gins; exec sleep 1000"\n');
    await screen.shows(t, /begins\r\n/);
    screen.type('\u0003');
    screen.type('echo code $?\n');
    await screen.shows(t, /code 130/);
    screen.type('exit 3\n');
    t.is((await container.exited).code, 3);
  });
});

here('a user that is not root owns its terminal', async (t) => {
  await onTerminal(t, { user: 'app', command: ['sh', '-c', 'stat -c "owner %u" /dev/pts/0; echo x >/dev/tty && echo written; tty; echo done'] }, async (screen) => {
    await screen.shows(t, /done/);
    t.regex(screen.text, /owner 1000\r\nx\r\nwritten\r\n\/dev\/pts\/0/);
  });
});

here('the end of the container is the end of the terminal', async (t) => {
  const container = await lab.start({ terminal: true, command: ['sh', '-c', 'printf "last words"'] });
  const said: Buffer[] = [];
  container.terminal?.output.on('data', (chunk: Buffer) => said.push(chunk));
  const closed = new Promise((resolve) => container.terminal?.output.once('close', resolve));
  t.is((await container.exited).code, 0);
  await closed;
  t.is(Buffer.concat(said).toString(), 'last words');
});

here('what is printed last arrives, when the terminal is closed at once and the machine is busy', async (t) => {
  const said = await Promise.all(Array.from({ length: 40 }, async () => {
    const { terminal } = await lab.start({ command: ['sh', '-c', 'read line; stty size'], terminal: { rows: 50, columns: 132 } });
    terminal?.input.write('go on\n');
    return terminal === null ? '' : text(terminal.output);
  }));
  t.deepEqual([...new Set(said)], ['go on\r\n50 132\r\n']);
});

here('a terminal for a process that is executed, beside a container that has none', async (t) => {
  const container = await lab.idle();
  const runtime = await lab.runtime();
  const executed = await runtime.exec(container, { command: ['sh', '-c', 'tty; stty size; echo $TERM; who-am-i; exit 7'], terminal: { rows: 20, columns: 30 } });
  const screen = new Screen(executed);
  await screen.shows(t, /dumpable/);
  t.regex(screen.text, /^\/dev\/pts\/0\r\n20 30\r\nxterm\r\n/);
  t.regex(screen.text, /^terminal yes\r$/m);
  t.is((await executed.exited).code, 7);
  await container[Symbol.asyncDispose]();
});

// ---- the reaper ----

here('under the reaper the program is not pid 1, and its exit code and signal are told', async (t) => {
  t.is((await lab.sh('echo $$; cat /proc/1/comm', { init: true })).stdout, '2\ntsrun-init\n');
  t.like((await lab.sh('exit 9', { init: true })).status, { code: 9, cause: 'exit' });
  t.like((await lab.sh('kill -TERM $$', { init: true })).status, { code: 143, signal: 'SIGTERM', cause: 'signal' });
  t.like((await lab.sh('kill -KILL $$', { init: true })).status, { code: 137, signal: 'SIGKILL', cause: 'signal' });
  const { status } = await lab.sh('exit 137', { init: true });
  t.like(status, { code: 137, cause: 'exit' });
  t.is(status.signal, undefined);
});

here('under the reaper a signal that the program dies of is told, whether it was sent to it or handed on', async (t) => {
  for (const signal of ['SIGTERM', 'SIGKILL']) {
    const container = await lab.idle({ init: true });
    await container.kill(signal);
    t.like(await container.exited, { signal, cause: 'signal' });
  }
  const kept = await lab.idle({ init: true, autoRemove: false });
  await kept.kill('SIGHUP');
  await kept.exited;
  t.like((await lab.runtime()).inspect(kept.id), { exit: { code: 129, signal: 'SIGHUP' } });
  (await lab.runtime()).remove(kept.id);
});

here('the reaper reaps orphans, however many', async (t) => {
  const orphans = 'for i in 1 2 3 4 5 6 7 8 9 10; do (sleep 0.05 &) ; done; sleep 1';
  const zombies = 'grep -l "State:.Z" /proc/[0-9]*/status 2>/dev/null | wc -l';
  t.is((await lab.sh(`${orphans}; ${zombies}`, { init: true })).stdout.trim(), '0');
  const keeper = `sh -c '${orphans}' & exec sleep 3`;
  const container = await lab.start({ command: ['sh', '-c', keeper] });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  const { stdout } = await lab.exec(container, { command: ['sh', '-c', zombies] });
  t.true(Number(stdout.trim()) > 5, 'control: without it they stay');
  await container[Symbol.asyncDispose]();
});

here('the reaper hands every signal on', async (t) => {
  const container = await lab.start({ init: true, command: ['sh', '-c', 'for s in HUP INT QUIT USR1 USR2 TERM WINCH CONT; do trap "echo $s" $s; done; echo ready; while :; do sleep 0.05; done'] });
  const heard: string[] = [];
  let look = () => undefined as unknown;
  container.stdout?.on('data', (chunk: Buffer) => {
    heard.push(...chunk.toString().trim().split('\n'));
    look();
  });
  const hears = async (word: string) => {
    while (!heard.includes(word)) await new Promise<void>((resolve) => { look = resolve; });
  };
  await hears('ready');
  for (const name of ['HUP', 'INT', 'QUIT', 'USR1', 'USR2', 'TERM', 'WINCH', 'CONT']) {
    await container.kill(`SIG${name}`);
    await hears(name);
  }
  t.pass();
  await container[Symbol.asyncDispose]();
});

here('the reaper holds no program of the host open, and what it cannot execute is told', async (t) => {
  const container = await lab.idle({ init: true });
  t.regex(readFileSync(`/proc/${container.pid}/cmdline`, 'utf8'), /^tsrun-init\0/);
  const { stdout } = await lab.exec(container, { command: ['sh', '-c', 'ls -l /proc/1/fd | grep -c " -> /dev/null"; readlink /proc/1/exe; ls -l /proc/1/fd | grep -c socket; ls /proc/1/fd | wc -l'] });
  t.regex(stdout, /^3\n.*\n1\n4\n$/, 'its streams, and the way to tell how the program ended');
  await container[Symbol.asyncDispose]();
  const missing = await t.throwsAsync(lab.idle({ init: true, command: ['no-such-program'] }), { instanceOf: TsrunError });
  t.is(missing.code, 'ERR_TSRUN_COMMAND_NOT_FOUND');
  const refused = await t.throwsAsync(lab.idle({ init: true, command: ['/etc/passwd'] }), { instanceOf: TsrunError });
  t.is(refused.code, 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE');
});

here('the reaper with a terminal: Ctrl-C reaches the program, and ends it', async (t) => {
  await onTerminal(t, { init: true, command: ['sh', '-c', 'echo ready; exec sleep 1000'] }, async (screen, container) => {
    await screen.shows(t, /ready/);
    screen.type('\u0003');
    t.is((await container.exited).code, 130);
  });
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
