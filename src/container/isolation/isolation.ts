/** Which walls stand around a live container: read from the kernel, not from what was asked for. */
import { closeSync, constants, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { allowsEverything, devicePolicy, policyWords } from '../../cgroup/device-rules.js';
import { limitsToWrites, missingLimitReason } from '../../cgroup/limits.js';
import type { HostFacts } from '../../host/facts.js';
import { namespaceFiles } from '../../host/namespace-files.js';
import { errnoName } from '../../spec/errno.js';
import { TsrunError } from '../../spec/errors.js';
import type { IdMapping } from '../../spec/types.js';
import { ended } from '../state/ended.js';
import type { CgroupIsolation, DeviceIsolation, IsolationReport, NamespaceIsolation, NetworkIsolation, SeccompIsolation, UserIsolation } from './isolation-report.js';
import { parseIdMap, parseInterfaces, parseLimits, parseMountinfo, parseNamespaceLink, parseStatus } from '../../host/proc-files.js';
import type { ContainerRecord } from '../state/record.js';
import type { ContainerSummary } from '../state/summary.js';

/** In the order in which a person looks for them. */
const namespaceTypes = ['user', 'mount', 'pid', 'network', 'ipc', 'uts', 'cgroup', 'time'] as const;

export interface IsolationInput {
  readonly summary: ContainerSummary;
  /** The other containers of the state root, which may share a namespace. */
  readonly others: readonly ContainerSummary[];
  readonly host: HostFacts;
  /** Asked once the process is held: the same container still runs. */
  readonly stillRuns: () => boolean;
}

/** @throws TsrunError `ERR_TSRUN_STATE` when the container has ended, `ERR_TSRUN_HOST` when its process may not be looked at */
export function readIsolation({ summary, others, host, stillRuns }: IsolationInput): IsolationReport {
  const { id, pid, state, record } = summary;
  if (pid === undefined || state === 'stopped') throw ended(id, onlyLive);
  const folder = openProcess(pid, id);
  try {
    if (!stillRuns()) throw ended(id, onlyLive);
    // By the descriptor: the number may be given to another process at any time, the descriptor then reads nothing.
    const process = `/proc/self/fd/${folder}`;
    const read = (file: string) => readFileSync(join(process, file), 'utf8');
    const status = parseStatus(read('status'));
    const mounts = parseMountinfo(read('mountinfo'));
    const { maskedPaths = [], readonlyPaths = [] } = record.spec.linux ?? {};
    const namespaces = readNamespaces(process, others);
    return {
      id,
      pid,
      state,
      namespaces,
      users: users(status, read),
      capabilities: status.capabilities,
      noNewPrivileges: status.noNewPrivileges,
      seccomp: { mode: status.seccompMode, filters: status.seccompFilters, profile: profileOf(record) },
      landlock: { scopes: record.extensions.landlockScopes ?? false },
      root: record.extensions.root ?? { kind: 'writable' },
      mounts,
      maskedPaths: maskedPaths.map((path) => ({ path, stands: mounts.some(({ point }) => point === path) })),
      readonlyPaths: readonlyPaths.map((path) => ({ path, stands: mounts.some(({ point, flags }) => point === path && flags.includes('ro')) })),
      devices: devices(record, host),
      cgroup: cgroup(record, host),
      rlimits: parseLimits(read('limits')),
      network: { standing: networkStanding(namespaces), interfaces: parseInterfaces(read('net/dev')) },
      oomScoreAdj: Number(read('oom_score_adj')),
      umask: status.umask,
    };
  } catch (error) {
    throw explained(error, id);
  } finally {
    closeSync(folder);
  }
}

const onlyLive = 'only a live container can be looked at';

function openProcess(pid: number, id: string): number {
  try {
    return openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    throw explained(error, id);
  }
}

function explained(error: unknown, id: string): unknown {
  const code = errnoName(error);
  if (code === 'ENOENT' || code === 'ESRCH') return ended(id, onlyLive);
  if (code !== 'EACCES' && code !== 'EPERM') return error;
  return new TsrunError('ERR_TSRUN_HOST', `the process of '${id}' may not be looked at: ${code}`, { hint: 'ask as root, with CAP_SYS_PTRACE', cause: error });
}

function readNamespaces(process: string, others: readonly ContainerSummary[]): NamespaceIsolation[] {
  const neighbours = others.flatMap(({ id, pid, state }) => (pid === undefined || state === 'stopped' ? [] : [{ id, path: `/proc/${pid}` }]));
  return namespaceTypes.flatMap((type) => {
    const file = namespaceFiles[type];
    const inode = inodeOf(process, file);
    // Time namespaces came with Linux 5.6, as an option of the build.
    if (inode === undefined) return [];
    const sharedWith = neighbours.filter(({ path }) => inodeOfOther(path, file) === inode).map(({ id }) => id);
    return [{ type, inode, sharedWithHost: inodeOf('/proc/self', file) === inode, sharedWith }];
  });
}

function inodeOf(process: string, file: string): number | undefined {
  try {
    return parseNamespaceLink(readlinkSync(`${process}/ns/${file}`));
  } catch (error) {
    if (errnoName(error) === 'ENOENT') return undefined;
    throw error;
  }
}

/** One that ends meanwhile, or that may not be looked at, is no neighbour that is known. */
function inodeOfOther(process: string, file: string): number | undefined {
  try {
    return parseNamespaceLink(readlinkSync(`${process}/ns/${file}`));
  } catch {
    return undefined;
  }
}

function users({ uid, gid, groups }: ReturnType<typeof parseStatus>, read: (file: string) => string): UserIsolation {
  const [uidMap, gidMap] = [parseIdMap(read('uid_map')), parseIdMap(read('gid_map'))];
  const [innerUid, innerGid] = [innerId(uid.effective, uidMap), innerId(gid.effective, gidMap)];
  return {
    uid,
    gid,
    groups,
    ...(innerUid !== undefined && { innerUid }),
    ...(innerGid !== undefined && { innerGid }),
    uidMap,
    gidMap,
    setgroups: read('setgroups').trim(),
  };
}

function innerId(hostId: number, map: readonly IdMapping[]): number | undefined {
  const mapping = map.find(({ hostID, size }) => hostId >= hostID && hostId < hostID + size);
  return mapping === undefined ? undefined : mapping.containerID + hostId - mapping.hostID;
}

function profileOf({ defaultSeccomp, spec }: ContainerRecord): SeccompIsolation['profile'] {
  if (defaultSeccomp) return 'default';
  return spec.linux?.seccomp === undefined ? 'none' : 'own';
}

function networkStanding(namespaces: readonly NamespaceIsolation[]): NetworkIsolation['standing'] {
  const network = namespaces.find(({ type }) => type === 'network');
  if (network?.sharedWithHost === true) return 'host';
  return (network?.sharedWith.length ?? 0) > 0 ? 'shared' : 'own';
}

function devices({ cgroup: path, spec }: ContainerRecord, { supports }: HostFacts): DeviceIsolation {
  const policy = devicePolicy(spec.linux?.resources?.devices ?? []);
  return { rules: policyWords(policy), heldByProgram: path !== '' && supports.deviceProgram && !allowsEverything(policy) };
}

function cgroup({ cgroup: path, spec }: ContainerRecord, host: HostFacts): CgroupIsolation {
  const { missing } = limitsToWrites(spec.linux?.resources ?? {}, host);
  const notHeld = missing.map((limit) => ({ field: limit.field, reason: missingLimitReason(limit) }));
  return { path, limits: path === '' ? {} : limitsIn(path), notHeld };
}

/** Above any machine's memory: hugetlb files show the largest number of whole pages for no limit. */
const beyondLimits = 2 ** 60;

/** Files that limit or weigh, and what they hold when they do neither. */
const idleValues: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^memory\.(max|high|swap\.max|swap\.high|zswap\.max)$/, ['max']],
  [/^memory\.(low|min|oom\.group)$/, ['0']],
  [/^cpu\.max$/, ['max 100000']],
  [/^cpu\.max\.burst$/, ['0']],
  [/^cpu\.(idle)$/, ['0']],
  [/^cpu\.weight$/, ['100']],
  [/^cpuset\.(cpus|mems)$/, ['']],
  [/^pids\.max$/, ['max']],
  [/^io\.max$/, ['']],
  [/^io\.(bfq\.)?weight$/, ['default 100', '']],
  [/^hugetlb\..+\.max$/, ['max']],
  [/^rdma\.max$/, ['']],
];

function limitsIn(path: string): Record<string, string> {
  const limits: Record<string, string> = {};
  for (const file of readdirSync(path).sort()) {
    const idle = idleValues.find(([pattern]) => pattern.test(file))?.[1];
    if (idle === undefined) continue;
    const value = readFileSync(join(path, file), 'utf8').trim();
    if (!idle.includes(value) && !(Number(value) > beyondLimits)) limits[file] = value;
  }
  return limits;
}
