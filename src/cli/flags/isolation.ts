/** Flags that open or close walls. */
import { matching, parsePair, toggle, type Pair } from '../values/basic.js';
import { capability, namespace, securityOption, timeOffsets } from '../values/isolation.js';
import { listOf, type ValueType } from '../values/value-type.js';
import { flag, runLike, type Flag } from './flag.js';

const group = 'Isolation';
const sysctlName = matching('NAME', /^[a-z0-9_]+(\.[A-Za-z0-9_-]+)+$/, 'NAME=VALUE with a dotted name, such as net.ipv4.ip_forward=1');

const sysctl: ValueType<Pair> = {
  kind: 'pairs',
  placeholder: 'NAME=VALUE',
  parse: (text, context) => {
    const pair = parsePair(text, { valueRequired: true });
    sysctlName.parse(pair.key, context);
    return pair;
  },
};

interface NamespaceRow {
  readonly name: string;
  readonly type: 'pid' | 'ipc' | 'uts' | 'cgroup' | 'user' | 'mount';
  readonly what: string;
}

const namespaceRows: readonly NamespaceRow[] = [
  { name: 'pid', type: 'pid', what: 'process ids' },
  { name: 'ipc', type: 'ipc', what: 'shared memory, semaphores and message queues' },
  { name: 'uts', type: 'uts', what: 'the host name' },
  { name: 'cgroupns', type: 'cgroup', what: 'the cgroup tree' },
  { name: 'userns', type: 'user', what: 'user and group ids' },
  { name: 'mountns', type: 'mount', what: 'mounts and root; for one that is there already the image is /' },
];

const namespaceFlags = namespaceRows.map(({ name, type, what }) =>
  flag(namespace, {
    name,
    help: `namespace of ${what}`,
    group,
    default: 'private',
    example: 'host',
    commands: runLike,
    apply: (draft, value) => (draft.options.namespaces = { ...draft.options.namespaces, [type]: value }),
  }),
);

export const isolationFlags: readonly Flag[] = [
  flag(listOf(capability), {
    name: 'cap-add',
    help: 'add a capability (capabilities(7)), or ALL',
    group,
    example: 'NET_ADMIN',
    commands: runLike,
    apply: (draft, value) => (draft.options.capAdd = [...(draft.options.capAdd ?? []), value]),
  }),
  flag(listOf(capability), {
    name: 'cap-drop',
    help: 'drop a capability, or ALL',
    group,
    example: 'CHOWN',
    commands: runLike,
    apply: (draft, value) => (draft.options.capDrop = [...(draft.options.capDrop ?? []), value]),
  }),
  flag(securityOption, {
    name: 'security-opt',
    help: 'no-new-privileges[=BOOL], seccomp=default|unconfined|FILE (of docker or of the runtime-spec), landlock=on|off, systempaths=unconfined, apparmor=NAME',
    group,
    default: 'all walls stand',
    example: 'seccomp=unconfined',
    commands: runLike,
    apply: (draft, value) => {
      Object.assign(draft.options, value);
    },
  }),
  flag(toggle, {
    name: 'privileged',
    help: 'take down most walls: all capabilities and devices, no seccomp, no masked paths',
    group,
    commands: ['run', 'explain', 'exec'],
    apply: (draft, value) => (draft.options.privileged = value),
  }),
  flag(sysctl, {
    name: 'sysctl',
    help: "set a kernel parameter of the container's own namespaces",
    group,
    example: 'net.ipv4.ip_unprivileged_port_start=0',
    commands: runLike,
    apply: (draft, { key, value }) => (draft.options.sysctls = { ...draft.options.sysctls, [key]: value }),
  }),
  ...namespaceFlags,
  flag(timeOffsets, {
    name: 'time-offset',
    help: 'new time namespace with its clocks moved',
    group,
    default: "the host's clocks",
    example: 'monotonic=3600,boottime=3600',
    commands: runLike,
    apply: (draft, value) => (draft.options.timeOffsets = { ...draft.options.timeOffsets, ...value }),
  }),
];
