/** What the program inherits, who it is, and what it may never do. */
import { capabilityNumber } from '../spec/capabilities.js';
import { rlimitNumber } from '../spec/rlimits.js';
import { schedulerFlags, schedulerPolicies } from '../spec/scheduler.js';
import { notifies } from '../spec/seccomp-flags.js';
import type { Process, Spec } from '../spec/types.js';
import { TsrunError } from '../spec/errors.js';
import { bitMask } from './bit-mask.js';
import type { Compilation } from './compilation.js';
import { compileStartHooks } from './compile-hooks.js';

const ioClasses = { IOPRIO_CLASS_RT: 1, IOPRIO_CLASS_BE: 2, IOPRIO_CLASS_IDLE: 3 } as const;

/** Landlock ABI 6: abstract sockets and signals stay inside the domain. */
const landlockScopes = 0b11;

/** Attributes that need no identity of their own; they are inherited over execve. `makeDirectory`: the working one, where it is missing. */
export function compileProcess({ input, builder }: Compilation, makeDirectory: boolean): void {
  const process = requireProcess(input.spec.process);
  // With the descriptors and the rights that the launcher has, and before a filter.
  if (lacksHome(input)) builder.add('/process/user/uid', { op: 'findHome', uid: process.user.uid });
  builder.add('/process/cwd', { op: 'setDirectory', path: process.cwd, create: makeDirectory });
  // Landlock needs one of the two (landlock(7)), and a descriptor, which the limit of open files may not leave: the
  // process still has all of the launcher's.
  if (process.noNewPrivileges === true) builder.add('/process/noNewPrivileges', { op: 'noNewPrivileges' });
  if (input.extensions.landlockScopes === true) builder.add('extensions.landlockScopes', { op: 'restrictScopes', scopes: landlockScopes });
  for (const [index, { type, soft, hard }] of (process.rlimits ?? []).entries()) {
    const resource = rlimitNumber(type);
    if (resource !== undefined) builder.add(`/process/rlimits/${index}`, { op: 'setRlimit', resource, soft, hard });
  }
  builder.add('/process/user/umask', { op: 'setUmask', mask: process.user.umask ?? 0o022 });
  if (input.keepsKeyring !== true) builder.add('default', { op: 'joinKeyring', name: '_tsrun' });
  compileScheduling(process, builder);
  compileMemoryPolicy(input.spec, builder);
  const personality = input.spec.linux?.personality;
  if (personality !== undefined) {
    builder.add('/linux/personality', { op: 'setPersonality', value: personality.domain === 'LINUX32' ? 8 : 0 });
  }
}

/** MPOL_* of set_mempolicy(2). */
const memoryModes = ['MPOL_DEFAULT', 'MPOL_PREFERRED', 'MPOL_BIND', 'MPOL_INTERLEAVE', 'MPOL_LOCAL', 'MPOL_PREFERRED_MANY', 'MPOL_WEIGHTED_INTERLEAVE'];
const memoryFlags: Readonly<Record<string, number>> = { MPOL_F_STATIC_NODES: 1 << 15, MPOL_F_RELATIVE_NODES: 1 << 14, MPOL_F_NUMA_BALANCING: 1 << 13 };

function compileMemoryPolicy({ linux }: Spec, builder: Compilation['builder']): void {
  const policy = linux?.memoryPolicy;
  if (policy === undefined) return;
  const { mode, nodes = '', flags = [] } = policy;
  const value = flags.reduce((sum, flag) => sum | (memoryFlags[flag] ?? 0), memoryModes.indexOf(mode));
  builder.add('/linux/memoryPolicy', { op: 'setMemoryPolicy', mode: value, nodes: bitMask(nodes) }, { mode: [mode, ...flags].join(' '), nodes });
}

function compileScheduling({ scheduler, ioPriority }: Process, builder: Compilation['builder']): void {
  if (scheduler !== undefined) {
    builder.add('/process/scheduler', {
      op: 'setScheduler',
      policy: schedulerPolicies.indexOf(scheduler.policy),
      flags: (scheduler.flags ?? []).reduce((sum, flag) => sum | (1 << schedulerFlags.indexOf(flag)), 0),
      nice: scheduler.nice ?? 0,
      priority: scheduler.priority ?? 0,
      runtime: scheduler.runtime ?? 0,
      deadline: scheduler.deadline ?? 0,
      period: scheduler.period ?? 0,
    });
  }
  if (ioPriority !== undefined) {
    const value = (ioClasses[ioPriority.class] << 13) | (ioPriority.priority ?? 0);
    builder.add('/process/ioPriority', { op: 'setIoPriority', value });
  }
}

/**
 * From here on every step takes something away. Bounding set first, while it may still be changed; ids next, with the
 * permitted set kept; then the sets themselves. The death signal comes after the last change of ids, which clears it;
 * seccomp last, so that a filter need not allow what is done before.
 */
export function compileIdentity(compilation: Compilation): void {
  const { input, builder, program, kept } = compilation;
  const { spec, extensions, host } = input;
  const process = requireProcess(spec.process);
  // Nothing said is nothing given, as runc and crun have it; the process has all of them by now.
  const sets = process.capabilities ?? {};
  builder.add('/process/capabilities/bounding', { op: 'dropBounding', keep: capabilityMask(sets.bounding), last: host.lastCapability });
  builder.add('/process/capabilities/permitted', { op: 'keepCapabilities' });
  // The reaper's program is also the one by which a process enters at the last moment.
  const reaper = extensions.init === true || kept?.entry !== undefined;
  // Early, so that an early filter need not allow it.
  if (input.outlivesLauncher === true) compileClosing(compilation, reaper);
  // Without no_new_privs a filter needs CAP_SYS_ADMIN, which goes with the next steps (seccomp(2)).
  const early = process.noNewPrivileges !== true;
  if (early) compileFilter(input, builder);
  const { uid, gid, additionalGids = [] } = process.user;
  builder.add('/process/user', { op: 'setIds', uid, gid, setGroups: input.keepsGroups !== true, groups: input.keepsGroups === true ? [] : additionalGids });
  builder.add('/process/capabilities', {
    op: 'setCapabilities',
    effective: capabilityMask(sets.effective),
    permitted: capabilityMask(sets.permitted),
    inheritable: capabilityMask(sets.inheritable),
    // No other can be raised (EPERM, capabilities(7)).
    ambient: capabilityMask(sets.ambient) & capabilityMask(sets.inheritable),
  });
  if (input.outlivesLauncher !== true) {
    // Looks at the launcher by a descriptor.
    builder.add('default', { op: 'dieWithLauncher' });
    compileClosing(compilation, reaper);
  }
  // Its listener is handed over by a launcher, which a container that waits to be started may not have any more; as runc has it.
  const beforeStart = !early && listens(spec);
  if (beforeStart) compileFilter(input, builder);
  compileWaiting(process, input, kept, builder);
  compileStartHooks(compilation);
  if (!early && !beforeStart) compileFilter(input, builder);
  const { env = [] } = process;
  builder.add('/process/args', {
    op: 'execute',
    paths: program === undefined ? programPaths(process) : [],
    arguments: process.args,
    environment: lacksHome(input) ? env.filter((each) => each !== 'HOME=') : env,
    reaper,
  });
}

/** An empty one is none, as runc has it. */
function lacksHome({ findsHome, spec }: Compilation['input']): boolean {
  return findsHome === true && spec.process?.env?.some((each) => /^HOME=[^]/.test(each)) !== true;
}

function compileClosing({ builder, program, kept }: Compilation, reaper: boolean): void {
  program?.place();
  builder.add('default', { op: 'closeDescriptors', reaper, inherit: kept?.inherited ?? [], keep: Object.values({ ...kept?.fifos, ...kept?.entry, ...kept?.hookOutputs }) });
  builder.add('default', { op: 'resetSignals' });
}

/** Everything is done but execve. What would fail then is looked for before somebody is told that all is well. */
function compileWaiting(process: Process, { awaitStart, outlivesLauncher }: Compilation['input'], kept: Compilation['kept'], builder: Compilation['builder']): void {
  if (awaitStart !== true) return;
  if (outlivesLauncher === true) builder.add('/process/args', { op: 'findProgram', paths: programPaths(process) });
  builder.add('create', { op: 'awaitStart' });
  if (kept?.fifos !== undefined) builder.add('create', { op: 'awaitFifo', fifo: kept.fifos.start, report: kept.fifos.report });
}

function compileFilter({ filter, spec }: Compilation['input'], builder: Compilation['builder']): void {
  if (filter !== undefined) builder.add('/linux/seccomp', { op: 'loadSeccomp', filter: filter.bytes, flags: filter.flags, listens: listens(spec) });
}

function listens({ linux }: Spec): boolean {
  return linux?.seccomp !== undefined && notifies(linux.seccomp);
}

function requireProcess(process: Process | undefined): Process {
  if (process !== undefined) return process;
  throw new TsrunError('ERR_TSRUN_INVALID_SPEC', 'the spec has no process to run', { field: '/process' });
}

function capabilityMask(names: readonly string[] = []): bigint {
  return names.reduce((mask, name) => mask | (1n << BigInt(capabilityNumber(name) ?? 0)), 0n);
}

/** Where the program may be: as it is with a slash in it, else in each folder of the container's PATH. What has no name is not there. */
export function programPaths({ args, env = [], cwd }: Process): string[] {
  const [program = ''] = args;
  if (program === '' || program.includes('/')) return [program];
  const path = env.findLast((each) => each.startsWith('PATH='))?.slice('PATH='.length);
  return (path ?? '/bin:/usr/bin').split(':').map((folder) => `${folder === '' ? cwd : folder.replace(/\/$/, '')}/${program}`);
}
