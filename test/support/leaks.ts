/** What a runtime may leave behind: traces taken before, compared after. Only what belongs to one lab is looked at. */
import { existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

export interface Traces {
  readonly prefix: string;
  readonly stateRoot: string;
  readonly hostMounts: string;
}

const cgroupRoots = ['/sys/fs/cgroup/unified/tsrun', '/sys/fs/cgroup/tsrun'];
const stateFolders = ['containers', 'launchers', 'ranges', 'formations'];

export function takeTraces(prefix: string, stateRoot: string): Traces {
  return { prefix, stateRoot, hostMounts: hostMounts() };
}

/** What is still there after a moment, as sentences; ending is not immediate. */
export async function leftovers(traces: Traces, limitMs = 10_000): Promise<string[]> {
  const end = Date.now() + limitMs;
  for (;;) {
    const found = look(traces);
    if (found.length === 0 || Date.now() > end) return found;
    await delay(50);
  }
}

function look({ prefix, stateRoot, hostMounts: before }: Traces): string[] {
  return [
    ...cgroupsOf(prefix).map((path) => `cgroup ${path}`),
    ...processesOf(prefix).map((pid) => `process ${pid}: ${commandLine(pid)}`),
    ...launchersOf(stateRoot).map((pid) => `launcher ${pid}`),
    ...stateEntries(stateRoot).map((name) => `${name} in the state root`),
    ...(hostMounts() === before ? [] : ['the mounts of the host have changed']),
  ];
}

/** Records of containers, launchers and ranges of ids, as paths in the state root. */
export function stateEntries(stateRoot: string): string[] {
  return stateFolders.flatMap((folder) => listing(join(stateRoot, folder)).map((name) => `${folder}/${name}`));
}

/** The group that containers share stays for the next one; after a file of tests the host is as it was. Not while anybody uses it. */
export function removeEmptyBases(): void {
  for (const root of cgroupRoots) {
    try {
      rmdirSync(root);
    } catch {
      // There is none, or it is in use.
    }
  }
}

/** Cgroups of containers whose id starts with this. */
export function cgroupsOf(prefix: string): string[] {
  return cgroupRoots.flatMap((root) => listing(root).filter((name) => name.startsWith(`${prefix}-`)).map((name) => join(root, name)));
}

/** Processes in such cgroups. Its state is read first: of one that is reaped in between, the cgroup is not found any more. */
export function processesOf(prefix: string): number[] {
  return processes().filter((pid) => isAlive(pid) && contentOf(`/proc/${pid}/cgroup`).includes(`/tsrun/${prefix}-`));
}

/** Agents of an app in the background. */
export function agentsOf(app: string): number[] {
  return processes().filter((pid) => {
    const words = contentOf(`/proc/${pid}/cmdline`).split('\0');
    return words.includes('agent') && words.includes(app);
  });
}

/** One that is dead and waits for the host's init to reap it is no more of ours. */
function isAlive(pid: number): boolean {
  return /\) [^ZX] /.test(contentOf(`/proc/${pid}/stat`));
}

/** Processes that hold a socket which is bound below this state root: its launchers. */
export function launchersOf(stateRoot: string): number[] {
  const inodes = new Set(
    contentOf('/proc/net/unix')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((fields) => fields[7]?.startsWith(`${stateRoot}/`))
      .map((fields) => `socket:[${fields[6] ?? ''}]`),
  );
  if (inodes.size === 0) return [];
  return processes().filter((pid) => listing(`/proc/${pid}/fd`).some((fd) => inodes.has(linkOf(`/proc/${pid}/fd/${fd}`))));
}

/** Pids of all processes that this one sees. */
export function processes(): number[] {
  return listing('/proc').filter((name) => /^\d+$/.test(name)).map(Number);
}

function hostMounts(): string {
  return contentOf('/proc/self/mountinfo');
}

function commandLine(pid: number): string {
  return contentOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function listing(path: string): string[] {
  try {
    return existsSync(path) ? readdirSync(path) : [];
  } catch {
    return [];
  }
}
