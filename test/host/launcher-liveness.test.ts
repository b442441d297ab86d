// Whether a launcher lives: what is not surely dead keeps its containers.
import { closeSync, existsSync, readFileSync } from 'node:fs';
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

here('a launcher that is stopped holds nobody up: it is said in time, and its container can be ended without it', async (t) => {
  const container = await lab.idle({ survive: true });
  const launcher = launchersOf(lab.stateRoot).find((pid) => readFileSync(`/proc/${container.pid}/stat`, 'utf8').split(' ')[3] === String(pid));
  if (launcher === undefined) return t.fail('its launcher is not found');
  kill(launcher, 'SIGSTOP');
  try {
    const other = await Runtime.open({ root: lab.stateRoot });
    await t.throwsAsync(other.find(container.id), { code: 'ERR_TSRUN_STATE', message: /has not answered for 10 seconds/ });
    await other.discard(container.id);
    t.false(existsSync(container.record.cgroup));
    t.throws(() => other.inspect(container.id), { code: 'ERR_TSRUN_NOT_FOUND' });
    await t.throwsAsync(other.discard(container.id), { code: 'ERR_TSRUN_NOT_FOUND' });
    const next = await other.run(lab.image, { id: lab.newId(), command: ['true'], survive: true });
    t.is((await next.exited).code, 0, 'another takes its place');
    await other.close();
  } finally {
    kill(launcher, 'SIGCONT');
  }
  t.like(await container.exited, { code: 137 });
});

test.after.always('the runtime is closed', async () => {
  if (process.geteuid?.() === 0) await (await lab.runtime()).close();
});

lab.declareLeakTest();
