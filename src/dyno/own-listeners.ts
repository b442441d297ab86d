/** What a dyno listens on where its network is not its own: of the sockets in the kernel's tables those that its processes hold (proc(5)). */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { readListeners, type Listener } from './listeners.js';

/** @param pid of its first process, which all others descend from, orphans too */
export async function readOwnListeners(pid: number): Promise<readonly Listener[]> {
  const listeners = await readListeners(pid);
  if (listeners.length === 0) return [];
  const held = new Set((await Promise.all((await family(pid)).map(socketsOf))).flat());
  return listeners.filter(({ inode }) => held.has(inode));
}

async function family(pid: number): Promise<number[]> {
  // Each thread has the children that it has made itself.
  const tasks = await readdir(`/proc/${pid}/task`).catch(() => []);
  const texts = await Promise.all(tasks.map(async (tid) => readFile(`/proc/${pid}/task/${tid}/children`, 'utf8').catch(() => '')));
  const children = texts.join(' ').split(/\s+/).filter((word) => word !== '').map(Number);
  return [pid, ...(await Promise.all(children.map(family))).flat()];
}

async function socketsOf(pid: number): Promise<string[]> {
  const names = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const targets = await Promise.all(names.map(async (name) => readlink(`/proc/${pid}/fd/${name}`).catch(() => '')));
  return targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []);
}
