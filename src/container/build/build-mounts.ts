/** Mounts of the default profile or of a bundle, with those that were asked for. */

import { isAbsolute, resolve } from 'node:path';
import { workingDirectory } from '../../host/working-directory.js';
import { defaultMemoryFsBytes, defaultMounts } from '../../spec/defaults.js';
import type { Faults } from '../../spec/faults.js';
import { normalPath } from '../../spec/inner-path.js';
import { show } from '../../spec/quote.js';
import { checkProcTarget } from '../../spec/rules-mounts.js';
import { parseSize } from '../../spec/size.js';
import type { Mount, NamespaceType } from '../../spec/types.js';
import type { IdMaps, Standing } from './build-namespaces.js';
import { volumeMounts, type ImageVolume } from './image-volumes.js';
import { bindWords, tmpfsWords } from './mount-words.js';
import type { MountOption, RunOptions } from '../options/options.js';

export interface MountInput {
  readonly options: RunOptions;
  /** Of a bundle; absent for the default profile. */
  readonly base: readonly Mount[] | undefined;
  readonly standing: Readonly<Record<NamespaceType, Standing>>;
  readonly mappedGids: number;
  /** /sys is mounted writable, as far as the kernel lets the container write there. */
  readonly sysWritable: boolean;
  readonly cgroupWritable: boolean;
  /** Of an image. */
  readonly volumes: readonly ImageVolume[];
  /** Room in each of them. */
  readonly volumeBytes: number;
  readonly maps: IdMaps | undefined;
  /** What relative sources are relative to; absent: the working directory, which need not be there if none is. */
  readonly hostCwd: string | undefined;
}

export function buildMounts(input: MountInput, faults: Faults): Mount[] {
  const asked = (input.options.mounts ?? []).map((option, index) => buildMount(option, index, input, faults));
  checkTwice(asked, faults);
  if (input.standing.mount !== 'new') return [...(input.base ?? [])];
  const base = input.base === undefined ? profileMounts(input) : bundleMounts(input.base, input);
  const { options, volumes, volumeBytes, maps } = input;
  return placeMounts(base, [...asked, ...volumeMounts({ volumes, options, base, maps, sizeBytes: volumeBytes })]);
}

function profileMounts({ options, standing, mappedGids, sysWritable, cgroupWritable }: MountInput): Mount[] {
  const shmBytes = askedShmBytes(options) ?? defaultMemoryFsBytes;
  return defaultMounts({ shmBytes, mappedGids, sysWritable, cgroupWritable }).flatMap((mount) => {
    if (mount.destination === '/dev/shm' && standing.ipc === 'host') return [{ ...sharedShm, options: [...sharedShmOptions] }];
    // Only the owner of the ipc namespace may mount its queues; mq_open(3) reaches them without the mount.
    if (mount.type === 'mqueue' && !ownsIpc(standing)) return [];
    return [mount];
  });
}

/** None is no size, as docker has it: to tmpfs(5) it would mean all that there is. */
function askedShmBytes({ shmBytes = 0 }: RunOptions): number | undefined {
  const bytes = parseSize(shmBytes);
  return bytes === 0 ? undefined : bytes;
}

/** Two namespaces that are joined are taken to belong together. */
function ownsIpc({ user, ipc }: MountInput['standing']): boolean {
  return user === 'host' || ipc === 'new' || (user === 'joined' && ipc === 'joined');
}

/** shm_open(3) is a file there: sharing the ipc namespace alone would share only System V's memory. */
const sharedShm = { destination: '/dev/shm', type: 'bind', source: '/dev/shm' } as const;
const sharedShmOptions = ['bind', 'private', 'nosuid', 'nodev', 'noexec'] as const;

function bundleMounts(base: readonly Mount[], { options, sysWritable, cgroupWritable }: MountInput): Mount[] {
  const mounts = base.map((mount) => {
    const opens = (mount.type === 'sysfs' && sysWritable) || ((mount.type === 'cgroup' || mount.type === 'cgroup2') && cgroupWritable);
    return opens ? { ...mount, options: (mount.options ?? []).filter((word) => word !== 'ro' && word !== 'rro') } : mount;
  });
  const shmBytes = askedShmBytes(options);
  if (shmBytes === undefined) return mounts;
  const shm = defaultMounts({ shmBytes, mappedGids: 0, sysWritable, cgroupWritable }).filter(isShm);
  return placeMounts(mounts, shm);
}

function isShm({ destination }: Mount): boolean {
  return normalPath(destination) === '/dev/shm';
}

/** One that goes where another is takes its place; the others follow, those nearer to the root first. */
function placeMounts(base: readonly Mount[], asked: readonly Mount[]): Mount[] {
  const replaced = new Map(asked.map((mount) => [mount.destination, mount]));
  const kept = base.map((mount) => {
    const mine = replaced.get(normalPath(mount.destination));
    if (mine !== undefined) replaced.delete(mine.destination);
    return mine ?? mount;
  });
  return [...kept, ...[...replaced.values()].sort((a, b) => depth(a.destination) - depth(b.destination))];
}

function depth(path: string): number {
  return path.split('/').length;
}

function buildMount(option: MountOption, index: number, { hostCwd, standing }: MountInput, faults: Faults): Mount {
  const at = `/mounts/${index}`;
  const { type, source, options = [], readonly } = option;
  const destination = normalPath(option.destination);
  checkDestination(destination, `${at}/destination`, faults);
  const words = { options, readonly, at: `${at}/options` };
  if (type === 'tmpfs') {
    if (source !== undefined) faults.add(`${at}/source`, 'a tmpfs has no source', 'leave it out, or use type "bind"');
    return { destination, type, source: 'tmpfs', options: tmpfsWords(words, defaultMemoryFsBytes, faults) };
  }
  if (source === undefined) faults.add(`${at}/source`, 'a bind mount needs a source', 'name a file or folder of the host');
  if (standing.user === 'host' && options.some((word) => word === 'idmap' || word === 'ridmap')) {
    faults.add(`${at}/options`, 'idmap needs a user namespace to take the map from', 'drop --userns host, or idmap');
  }
  return { destination, type, source: hostPath(source ?? '', hostCwd), options: bindWords(words, faults) };
}

function hostPath(source: string, hostCwd: string | undefined): string {
  return isAbsolute(source) ? resolve(source) : resolve(hostCwd ?? workingDirectory(), source);
}

/** What the container's own writes go through, and what the runtime puts there itself, cannot be covered (CVE-2019-19921). */
function checkDestination(path: string, field: string, faults: Faults): void {
  checkProcTarget(path, field, faults);
  const below = (folder: string) => path === folder || path.startsWith(`${folder}/`);
  if (path === '/') faults.add(field, 'the root of the container cannot be mounted over', 'name the folder as the image instead');
  else if (path === '/dev' || ['/dev/pts', '/dev/ptmx', '/dev/console'].some(below)) {
    faults.add(field, `nothing can be mounted at ${show(path)}, which is the container's own`, 'a single device is given with --device');
  }
}

function checkTwice(mounts: readonly Mount[], faults: Faults): void {
  const seen = new Set<string>();
  for (const [index, { destination }] of mounts.entries()) {
    if (seen.has(destination)) faults.add(`/mounts/${index}/destination`, `two mounts at ${show(destination)}`, 'leave one of them out');
    seen.add(destination);
  }
}
