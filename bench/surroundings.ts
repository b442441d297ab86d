/**
 * A mount namespace of the bench's own: state on a tmpfs, and a pure cgroup v2 view where the host mounts v1 as well, since crun and runc
 * would use that. The host's mounts stay as they are.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';

const mark = 'TSRUN_BENCH_INSIDE';

/** Starts this program again in its own mount namespace; gives its exit status, or undefined in the one that was started. */
export function moveInside(): number | undefined {
  if (process.env[mark] !== undefined) return undefined;
  const args = ['--mount', process.execPath, ...process.execArgv, ...process.argv.slice(1)];
  const { status } = spawnSync('unshare', args, { stdio: 'inherit', env: { ...process.env, [mark]: '1' } });
  return status ?? 1;
}

export function mountCgroup2(): void {
  if (!existsSync('/sys/fs/cgroup/cgroup.controllers')) mount('cgroup2', '/sys/fs/cgroup');
}

/** State on a tmpfs, as where /run is one; gives what undoes it. */
export function mountState(folders: readonly string[]): () => void {
  for (const folder of folders) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    mount('tmpfs', folder);
  }
  return () => {
    for (const folder of folders) execFileSync('umount', ['--lazy', folder]);
  };
}

/** What containers of containerd are below. */
export const containerdGroup = 'tsrun-bench-containerd';

/** What peers make below the root of cgroups and leave there: podman, systemd-nspawn with --keep-unit, and runc below containerd. */
const peersGroups = ['libpod_parent', 'payload', 'supervisor', containerdGroup].map((name) => join('/sys/fs/cgroup', name));

/** Gives what removes those that were not there before. */
export function noteCgroups(): () => void {
  const fresh = peersGroups.filter((path) => !existsSync(path));
  return () => {
    for (const path of fresh) if (existsSync(path)) execFileSync('find', [path, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';'], { stdio: ['ignore', 'ignore', 'inherit'] });
  };
}

function mount(type: string, folder: string): void {
  execFileSync('mount', ['-t', type, type, folder], { stdio: 'inherit' });
}
