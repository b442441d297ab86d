/** An isolation report in words: rows to read, each with what counts when two containers are compared. */
import { capabilityNames, type IsolationReport, type MountReading, type NamespaceIsolation, type ProtectedPath, type RlimitReading } from '../index.js';
import { humanSize } from './output.js';

export interface Row {
  readonly section: string;
  readonly name: string;
  readonly text: string;
  /** Without what differs between any two containers: pids, inodes, ranges of ids. Absent: the text. */
  readonly essence?: string;
}

export function isolationRows(report: IsolationReport): Row[] {
  return [
    ...section('process', processRows(report)),
    ...section('namespaces', report.namespaces.map(namespaceRow)),
    ...section('users', userRows(report)),
    ...section('capabilities', capabilityRows(report)),
    ...section('system calls', callRows(report)),
    ...section('network', [{ name: 'interfaces', text: report.network.interfaces.join(', ') || 'none' }, { name: 'to the host', text: networkText(report) }]),
    ...section('devices', deviceRows(report)),
    ...section('files', fileRows(report)),
    ...section('mounts', mountRows(report)),
    ...section('limits', limitRows(report)),
  ];
}

type Part = Omit<Row, 'section'>;

function section(name: string, parts: readonly Part[]): Row[] {
  return parts.map((part) => ({ section: name, ...part }));
}

function processRows({ pid, state, oomScoreAdj, umask }: IsolationReport): Part[] {
  return [
    { name: 'pid', text: `${pid} on the host`, essence: '' },
    { name: 'state', text: state },
    { name: 'umask', text: umask.toString(8).padStart(4, '0') },
    { name: 'oom score', text: String(oomScoreAdj) },
  ];
}

function namespaceRow({ type, inode, sharedWithHost, sharedWith }: NamespaceIsolation): Part {
  const standing = sharedWithHost ? "the host's" : sharedWith.length > 0 ? 'shared' : 'own';
  const others = sharedWith.length > 0 && !sharedWithHost ? ` with ${sharedWith.join(', ')}` : '';
  return { name: type, text: `${standing}${others} (${inode})`, essence: standing };
}

function userRows({ users }: IsolationReport): Part[] {
  const { uid, gid, innerUid, innerGid, groups, uidMap, gidMap, setgroups } = users;
  return [
    idRow('user', innerUid, uid.effective),
    idRow('group', innerGid, gid.effective),
    { name: 'groups', text: groups.map((group) => inner(group, gidMap)).join(' ') || 'none' },
    mapRow('uid map', uidMap),
    mapRow('gid map', gidMap),
    { name: 'setgroups', text: setgroups },
  ];
}

function idRow(name: string, innerId: number | undefined, hostId: number): Part {
  const shown = innerId === undefined ? 'nobody' : String(innerId);
  return { name, text: innerId === hostId ? shown : `${shown} (${hostId} on the host)`, essence: shown };
}

type Map = IsolationReport['users']['uidMap'];

function inner(hostId: number, map: Map): string {
  const mapping = map.find(({ hostID, size }) => hostId >= hostID && hostId < hostID + size);
  return mapping === undefined ? 'nobody' : String(mapping.containerID + hostId - mapping.hostID);
}

function mapRow(name: string, map: Map): Part {
  const range = (start: number, size: number) => (size === 1 ? String(start) : `${start}–${start + size - 1}`);
  const isIdentity = map.every(({ containerID, hostID }) => containerID === hostID);
  const essence = `${map.map(({ containerID, size }) => range(containerID, size)).join(', ')} ${isIdentity ? "the host's" : 'elsewhere'}`;
  if (isIdentity && map.length > 0) return { name, text: "the host's ids", essence };
  const text = map.map(({ containerID, hostID, size }) => `${range(containerID, size)} are ${range(hostID, size)} on the host`).join('; ');
  return { name, text: text || 'empty', essence };
}

function capabilityRows({ capabilities }: IsolationReport): Part[] {
  const names = ['effective', 'permitted', 'inheritable', 'bounding', 'ambient'] as const;
  return names.map((name) => ({ name, text: capabilityText(capabilities[name]) }));
}

function capabilityText(set: readonly string[]): string {
  if (set.length >= capabilityNames.length) return 'all';
  return set.map((capability) => capability.replace(/^CAP_/, '')).join(' ') || 'none';
}

const profiles = { default: "tsrun's default profile", own: 'a profile of its own', none: 'none of them by tsrun' } as const;

function callRows({ noNewPrivileges, seccomp, landlock }: IsolationReport): Part[] {
  const { mode, filters, profile } = seccomp;
  const loaded = mode === 'filter' ? `${filters} filter${filters === 1 ? '' : 's'}: ${profiles[profile]}` : mode;
  return [
    { name: 'no_new_privs', text: noNewPrivileges ? 'on' : 'off' },
    { name: 'seccomp', text: loaded },
    { name: 'landlock', text: landlock.scopes ? 'signals and abstract sockets stay inside' : 'off' },
  ];
}

function networkText({ network }: IsolationReport): string {
  const texts = { host: "open: the host's network is the container's", shared: 'closed; shared with other containers', own: 'closed' } as const;
  return texts[network.standing];
}

function deviceRows({ devices: { rules, heldByProgram } }: IsolationReport): Part[] {
  const open = rules === 'allow all';
  const held = heldByProgram ? 'by a program on the cgroup' : 'by nothing but the nodes that are there';
  return [{ name: 'rules', text: rules }, ...(open ? [] : [{ name: 'held', text: held }])];
}

function disposableText(root: IsolationReport['root']): string {
  if (root.kind !== 'disposable') return '';
  const size = root.disk !== undefined && root.sizeBytes === 0 ? 'without a limit' : `of ${humanSize(root.sizeBytes)}`;
  return `a disposable layer ${size}${root.disk === undefined ? '' : ' on disk'} takes the writes`;
}

function fileRows({ root, maskedPaths, readonlyPaths, namespaces }: IsolationReport): Part[] {
  const ownsMounts = !namespaces.some(({ type, sharedWithHost, sharedWith }) => type === 'mount' && (sharedWithHost || sharedWith.length > 0));
  const rootText = {
    disposable: () => disposableText(root),
    writable: () => (ownsMounts ? 'writes change the image' : 'that of a mount namespace that others are in'),
    'read-only': () => 'read-only',
  };
  return [
    { name: 'root', text: rootText[root.kind]() },
    { name: 'masked', text: protectedText(maskedPaths), essence: standing(maskedPaths) },
    { name: 'read-only', text: protectedText(readonlyPaths), essence: standing(readonlyPaths) },
  ];
}

function protectedText(paths: readonly ProtectedPath[]): string {
  if (paths.length === 0) return 'none';
  const open = paths.filter(({ stands }) => !stands).map(({ path }) => path);
  const held = `${paths.length - open.length} of ${paths.length} paths`;
  return open.length === 0 ? held : `${held}; not there: ${open.join(' ')}`;
}

function standing(paths: readonly ProtectedPath[]): string {
  return paths.filter(({ stands }) => stands).map(({ path }) => path).sort().join(' ');
}

/** Covers of masked and read-only paths are counted above; here they would hide the rest. */
function mountRows({ mounts, maskedPaths, readonlyPaths }: IsolationReport): Part[] {
  const covers = new Set([...maskedPaths, ...readonlyPaths].map(({ path }) => path));
  return mounts
    .filter(({ point }) => !covers.has(point))
    .map((mount) => ({ name: mount.point, text: mountText(mount, mount.propagation), essence: mountText(mount, mount.propagation.replace(/:\d+/g, '')) }));
}

/** Of the file system's own options those that bound it; the rest names places of the host. */
const tellingOptions = /^(?:size|nr_inodes|mode|hidepid|subset|ro)\b/;

function mountText({ type, flags, options }: MountReading, propagation: string): string {
  const telling = options.filter((option) => tellingOptions.test(option) && !flags.includes(option));
  return [type, flags.join(','), telling.join(','), propagation === 'private' ? '' : propagation].filter((word) => word !== '').join('  ');
}

function limitRows({ cgroup, rlimits }: IsolationReport): Part[] {
  return [
    { name: 'cgroup', text: cgroup.path || 'none', essence: cgroup.path === '' ? 'none' : '' },
    ...Object.entries(cgroup.limits).map(([name, text]) => ({ name, text: text.replaceAll('\n', '; ') })),
    ...cgroup.notHeld.map(({ field, reason }) => ({ name: 'not held', text: `${field}: ${reason}` })),
    ...rlimits.filter(({ soft, hard }) => soft !== 'unlimited' || hard !== 'unlimited').map(rlimitRow),
  ];
}

function rlimitRow({ name, soft, hard }: RlimitReading): Part {
  return { name: name.replace(/^RLIMIT_/, '').toLowerCase(), text: soft === hard ? soft : `${soft}, up to ${hard}` };
}

export interface Difference {
  readonly wall: string;
  /** Absent where only the other container has such a thing. */
  readonly left?: string;
  readonly right?: string;
}

/** Rows that differ in what counts. */
export function compareRows(left: readonly Row[], right: readonly Row[]): Difference[] {
  const [a, b] = [byName(left), byName(right)];
  return [...new Set([...a.keys(), ...b.keys()])].flatMap((wall) => {
    const [mine, theirs] = [a.get(wall), b.get(wall)];
    if (mine !== undefined && theirs !== undefined && (mine.essence ?? mine.text) === (theirs.essence ?? theirs.text)) return [];
    return [{ wall, ...(mine !== undefined && { left: mine.text }), ...(theirs !== undefined && { right: theirs.text }) }];
  });
}

/** Two things of one name (mounts over each other) are told apart by their order. */
function byName(rows: readonly Row[]): ReadonlyMap<string, Row> {
  const named = new Map<string, Row>();
  for (const row of rows) {
    const name = `${row.section}: ${row.name}`;
    let free = name;
    for (let count = 2; named.has(free); count++) free = `${name} (${count})`;
    named.set(free, row);
  }
  return named;
}
