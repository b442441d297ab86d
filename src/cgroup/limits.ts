/**
 * OCI resources as writes to cgroup v2 files. Pure: what the host has comes as facts. A limit that the host cannot hold
 * is returned in `missing`, for the caller knows whether it was asked for or is only a default.
 */
import type { CgroupFacts, HostFacts } from '../host/facts.js';
import { mountedOnV1 } from '../host/probe-cgroup.js';
import { nearest, TsrunError } from '../spec/errors.js';
import { pointer } from '../spec/quote.js';
import type { Resources } from '../spec/types.js';
import { cpuWrites } from './limit-cpu.js';
import { ioWrites } from './limit-io.js';
import { memoryChecks, memoryWrites } from './limit-memory.js';
import { checkInteger, invalidLimit, maxOr, unsupported, type LimitWrite, type MissingLimit, type UsageCheck } from './limit-types.js';
import { unifiedWrites } from './limit-unified.js';

export type LimitHost = Pick<HostFacts, 'cgroup' | 'swapBytes' | 'onlineCpus'>;

export interface LimitPlan {
  /** In the order in which they are to be written. */
  readonly writes: readonly LimitWrite[];
  readonly missing: readonly MissingLimit[];
  /** To be made before an update; a fresh cgroup uses nothing. */
  readonly checks: readonly UsageCheck[];
}

const FIELD = '/linux/resources';

export function limitsToWrites(resources: Resources, host: LimitHost): LimitPlan {
  refuseNetwork(resources.network);
  const { memory, cpu, pids, blockIO, hugepageLimits, rdma, unified } = resources;
  const all = [
    ...(memory === undefined ? [] : memoryWrites(memory)),
    ...(cpu === undefined ? [] : cpuWrites(cpu, host)),
    ...(pids === undefined ? [] : pidsWrites(pids)),
    ...(blockIO === undefined ? [] : ioWrites(blockIO, host.cgroup.files)),
    ...(hugepageLimits === undefined ? [] : hugepageWrites(hugepageLimits, host.cgroup)),
    ...(rdma === undefined ? [] : rdmaWrites(rdma)),
    // last: who names a file means that file, whatever the fields above made of it
    ...(unified === undefined ? [] : unifiedWrites(unified)),
  ];
  // A lower limit may kill at once, and it must be settled by then whom.
  const first = all.filter(({ file }) => file === 'memory.oom.group');
  const ordered = first.length === 0 ? all : [...first, ...all.filter((write) => !first.includes(write))];
  // Of those that the host cannot hold, the fields that were asked for come first.
  const { missing } = sortByHost(all, host);
  return { writes: sortByHost(ordered, host).writes, missing, checks: memory === undefined ? [] : memoryChecks(memory) };
}

/** What to tell a person about a limit that this host cannot hold. */
export function missingLimitError(limit: MissingLimit): TsrunError {
  const { controller, field, file } = limit;
  const details = (hint: string) => ({ field, hint });
  if (file !== undefined) {
    return new TsrunError('ERR_TSRUN_LIMIT_UNAVAILABLE', `this kernel has no '${file}' (${field})`, details('drop the limit, or use another kernel'));
  }
  const hint = `${howToGet(limit)}, or drop the limit; see tsrun doctor`;
  return new TsrunError('ERR_TSRUN_LIMIT_UNAVAILABLE', `the limit ${field} needs the cgroup v2 controller '${controller}', which ${whereController(limit)}`, details(hint));
}

/** The same in a few words, for a list of such limits. */
export function missingLimitReason(limit: MissingLimit): string {
  const { controller, file } = limit;
  return file === undefined ? `the controller ${controller} ${whereController(limit)}` : `this kernel has no ${file}`;
}

function howToGet({ controller, mountedAt, crowded }: MissingLimit): string {
  if (mountedAt !== undefined) return `boot with cgroup_no_v1=${controller === 'io' ? 'blkio' : controller}`;
  if (crowded === true) return 'start it alone in a delegated cgroup: systemd-run --user --scope -p Delegate=yes …';
  return `enable '${controller}' in cgroup.subtree_control of the cgroups above`;
}

function whereController({ mountedAt, crowded }: MissingLimit): string {
  if (mountedAt === undefined) return `is not handed down to tsrun${crowded === true ? ': other processes live in the same cgroup' : ''}`;
  return `is on cgroup v1${mountedAt === '' ? '' : ` (mounted at '${mountedAt}')`}`;
}

/** 0 means 1: with pids.max 0 not even the first process can be born in the cgroup (EAGAIN). runc does so from 1.4 on. */
function pidsWrites({ limit }: NonNullable<Resources['pids']>): LimitWrite[] {
  if (limit === undefined) return [];
  const field = `${FIELD}/pids/limit`;
  checkInteger(limit, field, { min: -1, allowed: 'a number of processes and threads, or -1 for no limit' });
  return [{ file: 'pids.max', value: limit === 0 ? '1' : maxOr(limit), field, controller: 'pids' }];
}

/** Both ways of counting: pages in use, and pages promised by mmap (which fail early instead of with SIGBUS). */
function hugepageWrites(limits: NonNullable<Resources['hugepageLimits']>, cgroup: CgroupFacts): LimitWrite[] {
  return limits.flatMap(({ pageSize, limit }, index) => {
    const field = `${FIELD}/hugepageLimits/${index}`;
    checkPageSize(pageSize, `${field}/pageSize`, cgroup);
    checkInteger(limit, `${field}/limit`, { min: 0, allowed: 'a number of bytes' });
    const write = (file: string) => ({ file, value: String(limit), field: `${field}/limit`, controller: 'hugetlb' });
    return [write(`hugetlb.${pageSize}.max`), write(`hugetlb.${pageSize}.rsvd.max`)];
  });
}

function checkPageSize(pageSize: string, field: string, cgroup: CgroupFacts): void {
  if (!/^[1-9]\d*(KB|MB|GB)$/.test(pageSize)) throw invalidLimit(field, pageSize, "a size such as '2MB' or '1GB'");
  const sizes = (cgroup.files ?? []).flatMap((file) => /^hugetlb\.(\w+)\.max$/.exec(file)?.[1] ?? []);
  if (sizes.length > 0 && !sizes.includes(pageSize)) throw invalidLimit(field, pageSize, `this processor has ${sizes.join(', ')}`);
}

function rdmaWrites(rdma: NonNullable<Resources['rdma']>): LimitWrite[] {
  return Object.entries(rdma).flatMap(([device, { hcaHandles, hcaObjects } = {}]) => {
    const field = pointer(`${FIELD}/rdma`, device);
    if (!/^[\w.-]+$/.test(device)) throw invalidLimit(field, device, "the name of a device, e.g. 'mlx5_0'");
    const parts = [
      ...(hcaHandles === undefined ? [] : [`hca_handle=${checkInteger(hcaHandles, `${field}/hcaHandles`, RDMA)}`]),
      ...(hcaObjects === undefined ? [] : [`hca_object=${checkInteger(hcaObjects, `${field}/hcaObjects`, RDMA)}`]),
    ];
    return parts.length === 0 ? [] : [{ file: 'rdma.max', value: [device, ...parts].join(' '), field, controller: 'rdma' }];
  });
}

const RDMA = { min: 0, max: 0x7fffffff, allowed: 'a count' };

function refuseNetwork(network: Resources['network']): void {
  if ((network?.classID ?? 0) !== 0) {
    throw unsupported(`${FIELD}/network/classID`, 'a network class', 'leave it out; nftables can match the cgroup itself');
  }
  if ((network?.priorities?.length ?? 0) > 0) {
    throw unsupported(`${FIELD}/network/priorities`, 'a network priority', 'leave it out');
  }
}

function sortByHost(all: readonly LimitWrite[], host: LimitHost): Pick<LimitPlan, 'writes' | 'missing'> {
  const writes: LimitWrite[] = [];
  const missing = new Map<string, MissingLimit>();
  for (const write of all) {
    const lack = lackOf(write, host);
    if (lack === undefined) writes.push(write);
    // without the controller nothing limits the container, which is all that such a write asks for
    else if (!meansNoLimit(write, host)) missing.set(`${lack.controller} ${lack.field} ${lack.file ?? ''}`, lack);
  }
  return { writes, missing: [...missing.values()] };
}

function lackOf({ controller, field, file }: LimitWrite, { cgroup }: LimitHost): MissingLimit | undefined {
  const reachable = controller === 'cgroup' ? cgroup.base !== '' : cgroup.controllers.includes(controller);
  if (!reachable) {
    const mountedAt = mountedOnV1(cgroup, controller);
    checkKnown(controller, field, cgroup);
    const crowded = cgroup.crowded === true && mountedAt === undefined;
    return { controller, field, ...(mountedAt !== undefined && { mountedAt }), ...(crowded && { crowded }) };
  }
  return cgroup.files === undefined || cgroup.files.includes(file) ? undefined : { controller, field, file };
}

const controllers = ['cpu', 'cpuset', 'memory', 'io', 'pids', 'hugetlb', 'rdma', 'misc', 'dmem', 'perf_event', 'cgroup'];

/** A misspelt controller in `unified` is the caller's error, not a lack of the host. */
function checkKnown(controller: string, field: string, cgroup: CgroupFacts): void {
  if (controllers.includes(controller) || mountedOnV1(cgroup, controller) !== undefined) return;
  const guess = nearest(controller, controllers);
  throw invalidLimit(field, controller, guess === undefined ? `one of the controllers ${controllers.join(', ')}` : `did you mean '${guess}'?`);
}

const defaults: Readonly<Record<string, string>> = { 'cpu.idle': '0', 'cpu.max.burst': '0', 'memory.low': '0', 'memory.oom.group': '0' };

function meansNoLimit({ file, value }: LimitWrite, { swapBytes }: LimitHost): boolean {
  if (file === 'memory.swap.max' && value === '0') return swapBytes === 0;
  return value === 'max' || (file === 'cpu.max' && value.startsWith('max ')) || defaults[file] === value;
}
