/** Where a run of the bench has its programs, its image and its state. Nothing of it is left. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

export interface Workspace {
  readonly path: string;
  /** An unpacked image with static /bin/true and /bin/wait. */
  readonly rootfs: string;
  readonly floor: string;
  /** Empty folders for runtime state, one for each that asks. */
  readonly stateOf: (name: string) => string;
  readonly remove: () => void;
}

const sources = resolve(import.meta.dirname, '../../bench');
const strictly = ['-std=gnu17', '-D_GNU_SOURCE', '-O2', '-static', '-Wall', '-Wextra', '-Werror'];
const mountPoints = ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp'];

/** @param parent on a file system that can be id-mapped: a tmpfs needs Linux 6.3 for that */
export function makeWorkspace(parent = '/var/tmp'): Workspace {
  const path = mkdtempSync(join(parent, 'tsrun-bench-'));
  const rootfs = join(path, 'rootfs');
  for (const name of mountPoints) mkdirSync(join(rootfs, name), { recursive: true });
  compile(['-nostdlib'], ['programs/true.c'], join(rootfs, 'bin/true'));
  compile([], ['programs/wait.c'], join(rootfs, 'bin/wait'));
  const floor = join(path, 'floor');
  compile(['-Wconversion'], readdirSync(join(sources, 'floor')).filter((name) => name.endsWith('.c')).map((name) => `floor/${name}`), floor);
  // Beside it, since sockets are bound below: a name has 107 bytes (unix(7)).
  const state = mkdtempSync('/run/tsrun-bench-');
  const stateOf = (name: string) => {
    const folder = join(state, name);
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    return folder;
  };
  return {
    path,
    rootfs,
    floor,
    stateOf,
    remove: () => {
      for (const folder of [path, state]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function compile(flags: readonly string[], files: readonly string[], into: string): void {
  execFileSync(process.env['CC'] ?? 'cc', [...strictly, ...flags, '-o', into, ...files.map((file) => join(sources, file))], { stdio: ['ignore', 'ignore', 'inherit'] });
}
