/** Signals to `tsrun run` are the program's; without one to hear them nothing is left either. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ChildProcess } from 'node:child_process';
import { CliLab, said, type Said } from '../support/cli-lab.js';
import { processesOf } from '../support/leaks.js';
import { patience } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new CliLab();
const rooted = needs('root');

interface Started {
  readonly child: ChildProcess;
  readonly end: Promise<Said>;
}

/** A script that says `ready` when it may be signalled. */
async function start(script: string, flags: readonly string[] = []): Promise<Started> {
  const child = lab.spawn(['run', '--rm', '--name', lab.newId(), ...flags, lab.image, 'sh', '-c', script]);
  const end = said(child);
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', (text: string) => {
      if (text.includes('ready')) resolve();
    });
    child.once('exit', () => {
      reject(new Error('it ended before it was ready'));
    });
  });
  return { child, end };
}

const wait = 'echo ready; while :; do sleep 0.05; done';

for (const [name, number] of [['HUP', 1], ['INT', 2], ['QUIT', 3], ['USR1', 10], ['USR2', 12], ['ALRM', 14], ['TERM', 15]] as const) {
  rooted(`SIG${name} is passed on`, async (t) => {
    const { child, end } = await start(`trap 'echo got ${name}; exit ${number}' ${name}; ${wait}`);
    child.kill(`SIG${name}`);
    const { code, stdout } = await end;
    t.is(code, number);
    t.is(stdout, `ready\ngot ${name}\n`);
  });
}

rooted('a program that does not end by itself is ended by the signal', async (t) => {
  const { child, end } = await start(wait, ['--init']);
  child.kill('SIGTERM');
  t.is((await end).code, 143);
});

rooted('ctrl-c twice kills a program that ignores it', async (t) => {
  const { child, end } = await start(`trap '' INT; ${wait}`);
  child.kill('SIGINT');
  await delay(300);
  t.is(child.exitCode, null);
  child.kill('SIGINT');
  t.is((await end).code, 137);
});

rooted('two that lie further apart are two: a supervisor may send one now and then', async (t) => {
  const { child, end } = await start(`trap 'echo got it' INT; ${wait}`);
  const apartMs = 5000 + 300 * patience;
  for (const pauseMs of [0, apartMs, apartMs]) {
    await delay(pauseMs);
    child.kill('SIGINT');
  }
  await delay(300);
  t.is(child.exitCode, null);
  child.kill('SIGINT');
  const { code, stdout } = await end;
  t.is(code, 137, 'and the next soon after kills');
  t.is(stdout, 'ready\ngot it\ngot it\ngot it\n');
});

rooted('a command that is killed leaves no container behind', async (t) => {
  const { child, end } = await start(wait);
  t.true(processesOf(lab.prefix).length > 0);
  child.kill('SIGKILL');
  await end;
  await lab.until('the end of its processes', () => processesOf(lab.prefix).length === 0);
  t.pass();
});

rooted('signals reach a program that exec started', async (t) => {
  const id = lab.newId();
  await lab.tsrun(['run', '-d', '--rm', '--name', id, lab.image, 'sleep', '1000']);
  const child = lab.spawn(['exec', id, 'sh', '-c', `trap 'exit 9' TERM; ${wait}`]);
  const end = said(child);
  await new Promise<void>((resolve) => child.stdout?.once('data', () => {
    resolve();
  }));
  child.kill('SIGTERM');
  t.is((await end).code, 9);
  await lab.kill(id);
});

lab.declareLeakTest();
