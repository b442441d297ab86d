// Who hears the signal that asks a container to end: its program, every process at once, or one after the other.
import { once } from 'node:events';
import type { ExecutionContext } from 'ava';
import type { RunOptions, SignalDelivery } from '../../src/index.js';
import { Lab, outcome } from '../support/lab.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const rooted = needs('root');

/** Two children and a grandchild of no session of the program's, each of which says what it hears; the program ends at once. */
const family = `
child() { trap "sleep 0.2; echo $1 heard; exit" TERM; echo $1 ready; while :; do sleep 0.05; done; }
child first & setsid sh -c 'trap "echo second heard; exit" TERM; echo second ready; while :; do sleep 0.05; done' &
(child third &)
trap 'echo main heard; exit 3' TERM; echo main ready; while :; do sleep 0.05; done`;

async function stopFamily(t: ExecutionContext, delivery: SignalDelivery, options: RunOptions = {}): Promise<readonly string[]> {
  const container = await lab.start({ command: ['sh', '-c', family], init: true, ...options });
  const ended = outcome(container);
  let said = '';
  container.stdout?.on('data', (text: Buffer) => (said += text.toString()));
  while (said.match(/ready/g)?.length !== 4) await once(container.stdout ?? process, 'data');
  const status = await container.stop({ delivery, graceMs: 20_000 });
  t.is(status.code, 3, 'of the program, whoever ended last');
  t.is(status.cause, 'exit');
  await ended;
  return said.split('\n').filter((line) => line.endsWith('heard'));
}

rooted('B2: all: every process hears it, and has the whole grace', async (t) => {
  t.deepEqual([...(await stopFamily(t, 'all'))].sort(), ['first heard', 'main heard', 'second heard', 'third heard']);
});

rooted('B2: mixed: the program hears it first, and the others when it has ended', async (t) => {
  const heard = await stopFamily(t, 'mixed');
  t.is(heard[0], 'main heard');
  t.deepEqual([...heard].sort(), ['first heard', 'main heard', 'second heard', 'third heard']);
});

rooted('B2: main: nobody else hears anything, and all end with the program', async (t) => {
  t.deepEqual(await stopFamily(t, 'main'), ['main heard']);
});

rooted('B2: all: an ordinary user of the container is enough', async (t) => {
  t.is((await stopFamily(t, 'all', { user: '1000:1000', capDrop: ['ALL'] })).length, 4);
});

rooted('B2: what does not end by itself is killed after the grace, program or not', async (t) => {
  for (const script of ["trap '' TERM; echo ready; sleep 1000", "trap 'exit 0' TERM; sh -c \"trap '' TERM; echo ready; sleep 1000\" & while :; do sleep 0.05; done"]) {
    const container = await lab.start({ command: ['sh', '-c', script], init: true });
    if (container.stdout) await once(container.stdout, 'data');
    t.is((await container.stop({ delivery: 'all', graceMs: 300 })).signal, 'SIGKILL', script);
  }
});

rooted('a reaper that is not at pid 1 of a namespace of its own must not reach the processes of others', async (t) => {
  const error = { code: 'ERR_TSRUN_INVALID_ARGUMENT', message: /needs a reaper/ };
  const plain = await lab.idle();
  const host = await lab.idle({ init: true, namespaces: { pid: 'host' } });
  for (const container of [plain, host]) {
    for (const delivery of ['all', 'mixed'] as const) await t.throwsAsync(container.stop({ delivery }), error);
    t.is(container.state, 'running', 'and nothing was sent');
    t.is((await container.stop({ graceMs: 100 })).code > 128, true);
  }
  const container = await lab.idle();
  await t.throwsAsync((await container.exec(['sleep', '1000'])).stop({ delivery: 'all' }), error);
  // @ts-expect-error as a program without types may
  await t.throwsAsync(container.stop({ delivery: 'everybody' }), { message: /\/delivery: expected a delivery \(main, all, mixed\)/ });
});

lab.declareLeakTest();
