/** Where a run of the bench has its programs, its image and its state. Nothing of it is left. */
import { execFileSync } from 'node:child_process';
import { cpSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';

export interface Workspace {
  readonly path: string;
  /** An unpacked image with static /bin/true and /bin/wait, which is also its /bin/sh. */
  readonly rootfs: string;
  /** The same as the lowest of so many layers, side by side as in a store, each with a folder of its own and some with one more in /etc. */
  readonly layers: Readonly<Record<string, readonly string[]>>;
  readonly floor: string;
  /** Of all runtime state. */
  readonly state: string;
  /** Empty folders for runtime state, one for each that asks. */
  readonly stateOf: (name: string) => string;
  readonly remove: () => void;
}

const sources = resolve(import.meta.dirname, '../../bench');
const strictly = ['-std=gnu17', '-D_GNU_SOURCE', '-O2', '-static', '-Wall', '-Wextra', '-Werror'];
const mountPoints = ['bin', 'dev', 'etc', 'proc', 'sys', 'tmp', 'usr'];

/** @param parent on a file system that can be id-mapped: a tmpfs needs Linux 6.3 for that */
export function makeWorkspace(parent = '/var/tmp'): Workspace {
  const path = mkdtempSync(join(parent, 'tsrun-bench-'));
  const rootfs = join(path, 'rootfs');
  for (const name of mountPoints) mkdirSync(join(rootfs, name), { recursive: true });
  compile(['-nostdlib'], ['programs/true.c'], join(rootfs, 'bin/true'));
  compile([], ['programs/wait.c'], join(rootfs, 'bin/wait'));
  // What starts a dyno's line: here it waits instead.
  linkSync(join(rootfs, 'bin/wait'), join(rootfs, 'bin/sh'));
  const layers = Object.fromEntries([1, 60].map((count) => [layersName(count), makeLayered(join(path, `layers-${count}`), rootfs, count)]));
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
    layers,
    floor,
    state,
    stateOf,
    remove: () => {
      for (const folder of [path, state]) rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function layersName(count: number): string {
  return count === 1 ? '1 layer' : `${count} layers`;
}

function makeLayered(store: string, rootfs: string, count: number): string[] {
  const layers = Array.from({ length: count }, (_, index) => join(store, `${index}`.padStart(64, '0'), 'diff'));
  for (const [index, layer] of layers.entries()) {
    mkdirSync(join(layer, `usr/lib/package-${index}`), { recursive: true });
    if (index % 4 === 0) mkdirSync(join(layer, 'etc/package'), { recursive: true });
  }
  cpSync(rootfs, layers.at(-1) ?? store, { recursive: true });
  return layers;
}

function compile(flags: readonly string[], files: readonly string[], into: string): void {
  execFileSync(process.env['CC'] ?? 'cc', [...strictly, ...flags, '-o', into, ...files.map((file) => join(sources, file))], { stdio: ['ignore', 'ignore', 'inherit'] });
}
