/** Flags that set limits; most of them can be changed later by `update`. */
import { decimal, integer, size, sizeOrUnlimited } from '../values/basic.js';
import { cpuList, ulimit } from '../values/limits.js';
import { empty, orUnset, zero } from '../values/value-type.js';
import { flag, runLike, setOption, starting, type CommandName, type Flag } from './flag.js';

const group = 'Limits';
const changeable = [...starting, 'update'] as const satisfies readonly CommandName[];

export const limitFlags: readonly Flag[] = [
  flag(size, {
    name: 'memory',
    short: 'm',
    help: 'memory at most; above it the kernel kills',
    group,
    default: 'no limit',
    example: '512m',
    commands: changeable,
    apply: (draft, value) => (draft.options.memory = value),
  }),
  flag(orUnset(sizeOrUnlimited, zero), {
    name: 'memory-swap',
    help: 'memory and swap together at most; -1 for unlimited swap',
    group,
    default: 'twice --memory',
    example: '1g',
    commands: changeable,
    apply: (draft, value) => {
      setOption(draft, 'memorySwap', value);
    },
  }),
  flag(size, {
    name: 'memory-reservation',
    help: 'memory that is reclaimed from this container last',
    group,
    default: 'none',
    example: '256m',
    commands: changeable,
    apply: (draft, value) => (draft.options.memoryReservation = value),
  }),
  // Below 0.01 the quota is under the kernel's 1 ms in a period of 100 ms.
  flag(orUnset(decimal({ min: 0.01, max: 8192 }), zero), {
    name: 'cpus',
    help: 'processors at most, as time: 1.5 is one and a half',
    group,
    default: 'no limit',
    example: '1.5',
    commands: changeable,
    apply: (draft, value) => {
      setOption(draft, 'cpus', value);
    },
  }),
  flag(orUnset(cpuList, empty), {
    name: 'cpuset-cpus',
    help: 'processors that may be used, such as 0-3,6',
    group,
    default: 'all',
    example: '0',
    commands: changeable,
    apply: (draft, value) => {
      setOption(draft, 'cpusetCpus', value);
    },
  }),
  // The bounds are cgroup v1's, which docker kept; they are converted to a weight of 1 to 10000.
  flag(orUnset(integer({ min: 2, max: 262_144 }), zero), {
    name: 'cpu-shares',
    short: 'c',
    help: 'weight against others when processors are scarce',
    group,
    default: '1024',
    example: '512',
    commands: changeable,
    apply: (draft, value) => {
      setOption(draft, 'cpuShares', value);
    },
  }),
  // To the kernel 0 is none at all; docker takes it for no limit.
  flag(integer({ min: 0, max: 4_194_304, also: { value: -1, meaning: 'no limit' } }), {
    name: 'pids-limit',
    help: 'processes and threads at most; 0 or -1 for no limit, of nofile for the most that can be given',
    group,
    default: '1024',
    example: '256',
    commands: changeable,
    apply: (draft, value) => (draft.options.pids = value === 0 ? -1 : value),
  }),
  flag(ulimit, {
    name: 'ulimit',
    help: 'resource limit of each process (getrlimit(2)); -1 for no limit',
    group,
    default: 'core=0, nofile=1024 soft',
    example: 'nofile=1024:4096',
    commands: runLike,
    apply: (draft, { name, soft, hard }) => (draft.options.ulimits = { ...draft.options.ulimits, [name]: { soft, hard } }),
  }),
];
