/** Flags about the files that a container sees. */
import type { MountOption } from '../../index.js';
import { oneOf, size, toggle } from '../values/basic.js';
import { device, storage } from '../values/limits.js';
import { mount, tmpfs, volume } from '../values/mounts.js';
import { listOf, ValueError } from '../values/value-type.js';
import { flag, runLike, type Draft, type Flag } from './flag.js';

const group = 'Files';

function addMount(draft: Draft, value: MountOption): void {
  draft.options.mounts = [...(draft.options.mounts ?? []), value];
}

/** `--flag=false` takes back what an earlier `--flag` asked for, and nothing else. */
function chooseRoot(draft: Draft, kind: 'writable' | 'read-only', on: boolean): void {
  const other = draft.options.root;
  if (on && other !== undefined && other !== kind) throw new ValueError(`excludes --${other}`);
  if (on) draft.options.root = kind;
  else if (draft.options.root === kind) delete draft.options.root;
}

export const fileFlags: readonly Flag[] = [
  flag(listOf(volume), {
    name: 'volume',
    short: 'v',
    help: 'mount a file or folder of the host; options: ro, rw, idmap (owners keep their numbers, so that root writes as the host\'s root), symfollow (follow links), exec, noexec, rshared, rslave …',
    group,
    example: '/srv/data:/data:ro',
    commands: runLike,
    apply: addMount,
  }),
  flag(listOf(mount), {
    name: 'mount',
    help: 'mount, in the long form: type=bind,source=…,destination=…,readonly,bind-propagation=…',
    group,
    example: 'type=bind,source=/srv/data,destination=/data,readonly',
    commands: runLike,
    apply: addMount,
  }),
  flag(listOf(tmpfs), {
    name: 'tmpfs',
    help: 'mount an empty file system in memory; options: size=64m, mode=1777, exec …',
    group,
    example: '/scratch:size=64m,mode=1777',
    commands: runLike,
    apply: addMount,
  }),
  flag(oneOf('KIND', ['tmpfs', 'ignore']), {
    name: 'image-volume',
    help: 'what becomes of the volumes that the image declares: empty file systems in memory, or folders of the root as all others',
    group,
    default: 'tmpfs',
    example: 'ignore',
    commands: runLike,
    apply: (draft, value) => (draft.options.imageVolumes = value),
  }),
  flag(toggle, {
    name: 'read-only',
    help: 'make the root read-only; tmpfs and volumes stay writable',
    group,
    default: 'a disposable layer takes the writes',
    commands: runLike,
    apply: (draft, value) => {
      chooseRoot(draft, 'read-only', value);
    },
  }),
  flag(toggle, {
    name: 'writable',
    help: 'let writes change the image folder itself',
    group,
    default: 'a disposable layer takes the writes',
    commands: runLike,
    apply: (draft, value) => {
      chooseRoot(draft, 'writable', value);
    },
  }),
  flag(storage, {
    name: 'storage-opt',
    help: 'room for writes to the disposable root, and whether they go to memory or to disk',
    group,
    default: 'size=64m,type=memory',
    example: 'size=10g,type=disk',
    commands: runLike,
    apply: (draft, value) => Object.assign(draft.options, value),
  }),
  flag(size, {
    name: 'shm-size',
    help: 'size of /dev/shm; 0 stands for the default',
    group,
    default: '64m',
    example: '128m',
    commands: runLike,
    apply: (draft, value) => (draft.options.shmBytes = value),
  }),
  flag(listOf(device), {
    name: 'device',
    help: 'let the container use a device of the host: r reads, w writes, m makes nodes of it',
    group,
    default: 'access rw',
    example: '/dev/fuse:/dev/fuse:rw',
    commands: runLike,
    apply: (draft, value) => (draft.options.devices = [...(draft.options.devices ?? []), value]),
  }),
];
