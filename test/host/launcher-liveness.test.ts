// Whether a launcher lives: what is not surely dead keeps its containers.
import { closeSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { kill } from 'node:process';
import test from 'ava';
import { loadNative } from '../../src/engine/addon.js';
import { Runtime } from '../../src/index.js';
import { Lab } from '../support/lab.js';
import { launchersOf } from '../support/leaks.js';
import { needs } from '../support/needs.js';

const lab = new Lab();
const here = needs('root', 'userns', 'overlay');

/** Connects until the socket's queue is full; gives the descriptors, and the errno with which no more were taken. */
function fillQueue(path: string): { readonly sockets: number[]; readonly errno: unknown } {
  const sockets: number[] = [];
  for (;;) {
    try {
      sockets.push(loadNative().addon.connectLauncher(path));
    } catch (error) {
      return { sockets, errno: error instanceof Error && 'errno' in error ? error.errno : error };
    }
  }
}

here('gc leaves alone what a launcher holds that takes no connection now', async (t) => {
  const container = await lab.idle();
  const [launcher] = launchersOf(lab.stateRoot);
  if (launcher === undefined) return t.fail('no launcher is found');
  kill(launcher, 'SIGSTOP');
  const { sockets, errno } = fillQueue(join(lab.stateRoot, 'launchers', container.record.launcher));
  try {
    t.is(errno, 11, 'EAGAIN');
    const other = await Runtime.open({ root: lab.stateRoot });
    await other.gc();
    t.like(other.inspect(container.id), { state: 'running' });
    await t.throwsAsync(other.find(container.id), { code: 'ERR_TSRUN_STATE', message: /takes no connection now/ });
    await other.close();
    t.true(existsSync(`/proc/${container.pid}/exe`));
  } finally {
    for (const socket of sockets) closeSync(socket);
    kill(launcher, 'SIGCONT');
  }
  t.is((await lab.exec(container, { command: ['true'] })).status.code, 0);
  await container.stop({ graceMs: 0 });
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
