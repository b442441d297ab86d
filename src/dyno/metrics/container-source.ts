/** Readings of a container, from its cgroup and its tasks. */
import { readFile } from 'node:fs/promises';
import type { Container } from '../../container/container.js';
import type { Reading } from './meter.js';

/** Each is a file to be read: of more only so many are looked at, and the others taken to be alike. */
const mostTasks = 2048;
const atOnce = 32;
/** Who had less processor time since the last sample had nothing that could run. */
const idleUs = 1000;

/** A reader that remembers what was used before. */
export function containerSource(container: Container): () => Promise<Reading> {
  let lastUs = 0;
  return async () => {
    const stats = await container.stats();
    const usedUs = stats.cpu.usageUs - lastUs;
    lastUs = stats.cpu.usageUs;
    return { stats, runnable: usedUs < idleUs ? 0 : await runnableTasks(container.record.cgroup) };
  };
}

async function runnableTasks(cgroup: string): Promise<number> {
  const tasks = (await readFile(`${cgroup}/cgroup.threads`, 'utf8')).split('\n').filter((tid) => tid !== '');
  const chosen = tasks.slice(0, mostTasks);
  let runnable = 0;
  for (let at = 0; at < chosen.length; at += atOnce) {
    const states = await Promise.all(chosen.slice(at, at + atOnce).map(isRunnable));
    runnable += states.filter(Boolean).length;
  }
  return chosen.length === 0 ? 0 : (runnable * tasks.length) / chosen.length;
}

/** A task of any process has a folder there under its own number, which lists do not show (proc(5)). */
async function isRunnable(tid: string): Promise<boolean> {
  const stat = await readFile(`/proc/${tid}/stat`, 'latin1').catch(() => '');
  // The name of a program may hold a parenthesis as well.
  return stat.slice(stat.lastIndexOf(')') + 1).startsWith(' R');
}
