/** What other engines leave beside each container: one process of theirs. Measured with containers whose program waits. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { single, type Row } from './report.js';
import type { Stage } from './stage.js';
import { containerdGroup } from './surroundings.js';

const watched = { all: 20, quick: 3 } as const;

/** One that leaves a process beside each container. */
interface Engine {
  /** Of its process for each container. */
  readonly monitor: string;
  /** Gives the id that its monitor has among its words. */
  readonly start: (number: number) => string;
  readonly end: (id: string) => void;
}

export async function monitors(stage: Stage): Promise<Row[]> {
  const podman = podmanOf(stage);
  return [...(podman === undefined ? [] : sizesOf('conmon, of podman', podman, stage)), ...(await shimOf(stage))];
}

function podmanOf({ peers }: Stage): Engine | undefined {
  const { command = [] } = peers.find(({ name }) => name === 'podman') ?? {};
  const at = command.indexOf('run');
  const [program = '', ...state] = command.slice(0, Math.max(0, at));
  if (program === '') return undefined;
  const call = (...words: string[]) => said(program, [...state, ...words]);
  return {
    monitor: 'conmon',
    start: () => call('run', '--detach', ...command.slice(at + 1, -1), '/bin/wait'),
    end: (id) => { call('rm', '--force', '--time', '0', id); },
  };
}

/** Its daemon runs as long as this takes, with a place of its own for its sockets, of which one cannot be told (`/run/containerd/s`). */
async function shimOf(stage: Stage): Promise<Row[]> {
  if (spawnSync('containerd', ['--version']).status !== 0) return [];
  const sockets = '/run/containerd';
  const isFresh = !existsSync(sockets);
  if (isFresh) mkdirSync(sockets);
  const folder = stage.workspace.stateOf('containerd');
  mkdirSync(folder, { recursive: true });
  const address = join(folder, 'socket');
  const config = join(folder, 'config.toml');
  writeFileSync(config, `version = 2\nroot = "${folder}/root"\nstate = "${folder}/state"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n[grpc]\naddress = "${address}"\n`);
  const daemon = spawn('unshare', ['--mount', 'sh', '-c', `mount -t tmpfs tmpfs ${sockets} && exec containerd --config "$0"`, config], { stdio: 'ignore' });
  const call = (...words: string[]) => said('ctr', ['--address', address, ...words]);
  try {
    for (let tries = 0; tries < 300 && !existsSync(address); tries++) await delay(100);
    return sizesOf('containerd-shim-runc-v2, of containerd', {
      monitor: 'containerd-shim-runc-v2',
      start: (number) => {
        const id = `tsrun-bench-${number}`;
        // Shares are the controller's, which may be on cgroup v1.
        call('run', '--detach', '--null-io', '--cpu-shares', '0', '--cgroup', `/${containerdGroup}/${id}`, '--runtime', 'io.containerd.runc.v2', '--rootfs', stage.workspace.rootfs, id, '/bin/wait');
        return id;
      },
      end: (id) => {
        call('task', 'delete', '--force', id);
        call('container', 'delete', id);
      },
    }, stage);
  } finally {
    daemon.kill('SIGTERM');
    if (daemon.exitCode === null) await new Promise((resolve) => daemon.once('exit', resolve));
    if (isFresh) rmSync(sockets, { recursive: true });
  }
}

function said(program: string, words: readonly string[]): string {
  return spawnSync(program, words, { encoding: 'utf8', timeout: 60_000 }).stdout.trim();
}

function sizesOf(name: string, { monitor, start, end }: Engine, { quick }: Stage): Row[] {
  const ids = Array.from({ length: quick ? watched.quick : watched.all }, (_, number) => start(number));
  try {
    const sizes = readdirSync('/proc').filter((pid) => /^\d+$/.test(pid)).flatMap((pid) => {
      const [program = '', ...words] = contentOf(`/proc/${pid}/cmdline`).split('\0');
      return program.split('/').at(-1) === monitor && words.some((word) => word !== '' && ids.includes(word)) ? [proportional(pid)] : [];
    });
    return sizes.length === 0 ? [] : [single(name, 'kB', sizes.reduce((sum, each) => sum + each, 0) / sizes.length)];
  } finally {
    for (const id of ids) if (id !== '') end(id);
  }
}

function proportional(pid: string): number {
  return Number(/^Pss:\s*(\d+) kB$/m.exec(contentOf(`/proc/${pid}/smaps_rollup`))?.[1]);
}

/** Empty for a process that is gone. */
function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
