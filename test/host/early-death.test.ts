// A first process that does not live to execute its program: the start fails, with a sentence, and nothing hangs.
import { kill } from 'node:process';
import test from 'ava';
import { SetupError, TsrunError, type RunOptions, type Spec } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

type Profile = NonNullable<NonNullable<Spec['linux']>['seccomp']>;
type Action = Profile['defaultAction'];

const refusing = (action: Action, ...names: string[]): Profile => ({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, action }] });
const allowing = (...names: string[]): Profile => ({ defaultAction: 'SCMP_ACT_ERRNO', syscalls: [{ names, action: 'SCMP_ACT_ALLOW' }] });

async function failure(start: Promise<unknown>): Promise<TsrunError> {
  const error = await start.then(() => undefined, (reason: unknown) => reason);
  if (TsrunError.is(error)) return error;
  throw new Error(`it started, or failed otherwise: ${String(error)}`);
}

here('a filter that lets nothing happen fails the start', async (t) => {
  const cases: [Profile, string][] = [
    [{ defaultAction: 'SCMP_ACT_ERRNO' }, process.arch === 'x64' ? 'SIGILL' : 'SIGTRAP'],
    [allowing('exit_group'), process.arch === 'x64' ? 'SIGILL' : 'SIGTRAP'],
    [{ defaultAction: 'SCMP_ACT_KILL_PROCESS' }, 'SIGSYS'],
    [{ defaultAction: 'SCMP_ACT_TRAP' }, 'SIGSYS'],
    [refusing('SCMP_ACT_KILL_PROCESS', 'execve', 'execveat'), 'SIGSYS'],
    [refusing('SCMP_ACT_KILL_THREAD', 'execve', 'execveat'), 'SIGSYS'],
  ];
  for (const [seccomp, signal] of cases) {
    for (const options of [{}, { init: true }, { noNewPrivileges: false }] as const) {
      const what = `${JSON.stringify(seccomp)} ${JSON.stringify(options)}`;
      const error = await failure(lab.run({ command: ['true'], seccomp, ...options }));
      t.is(error.code, 'ERR_TSRUN_SETUP', what);
      t.true(error instanceof SetupError, what);
      t.regex(error.message, new RegExp(`was killed by ${signal} before it could execute`), what);
      t.is(error.field, '/linux/seccomp', what);
      t.regex(error.hint ?? '', /execve.*exit_group/, what);
    }
  }
});

here('a filter that lets the process speak names the call', async (t) => {
  const error = await failure(lab.run({ command: ['true'], seccomp: refusing('SCMP_ACT_ERRNO', 'execve') }));
  t.is(error.code, 'ERR_TSRUN_COMMAND_NOT_EXECUTABLE');
  t.regex(error.message, /EPERM/);
});

here('a filter that would ask a listener is refused, since nobody listens', async (t) => {
  const asking: Profile[] = [{ defaultAction: 'SCMP_ACT_NOTIFY' }, refusing('SCMP_ACT_NOTIFY', 'mkdir')];
  for (const seccomp of asking) {
    const error = await failure(lab.run({ command: ['true'], seccomp }));
    t.is(error.code, 'ERR_TSRUN_UNSUPPORTED');
    t.regex(error.message, /SCMP_ACT_NOTIFY .*is not supported/);
  }
});

here('a created container that is told to start fails as well; one that is not ends', async (t) => {
  const runtime = await lab.runtime();
  const options: RunOptions = { command: ['true'], seccomp: refusing('SCMP_ACT_KILL_PROCESS', 'execve') };
  const started = await runtime.create(lab.image, { id: lab.newId(), ...options });
  started.start();
  t.regex((await failure(started.exited)).message, /killed by SIGSYS/);
  const waiting = await runtime.create(lab.image, { id: lab.newId(), ...options });
  kill(waiting.pid, 'SIGKILL');
  t.like(await waiting.exited, { signal: 'SIGKILL' });
});

here('a program that was executed ends as a program, however soon', async (t) => {
  for (const init of [false, true]) {
    const seccomp = refusing('SCMP_ACT_KILL_PROCESS', 'sync');
    t.is((await lab.run({ command: ['sync'], seccomp, init })).status.code, 128 + 31, `init ${init}`);
    for (let turn = 0; turn < 20; turn++) t.is((await lab.run({ command: ['false'], init })).status.code, 1);
  }
});

here('the reaper does not spin under a filter that forbids it to wait for signals', async (t) => {
  const { status } = await lab.run({ command: ['sleep', '1'], init: true, seccomp: refusing('SCMP_ACT_ERRNO', 'rt_sigtimedwait') });
  t.is(status.code, 0);
  t.true(status.usage.cpuUs < 500_000, `${status.usage.cpuUs} µs`);
  t.is((await lab.run({ command: ['sleep', '1'], init: true, seccomp: refusing('SCMP_ACT_ERRNO', 'wait4') })).status.code, 125);
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
