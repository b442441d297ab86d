/** A further process in a live container: the same steps as for the first one, less everything that exists already. */
import { TsrunError } from '../spec/errors.js';
import type { Extensions } from '../spec/extensions.js';
import { notifies } from '../spec/seccomp-flags.js';
import type { Process, Spec } from '../spec/types.js';
import { bitMask } from './bit-mask.js';
import { compileAppArmor, compileLabel } from './compile-labels.js';
import { compileIdentity, compileProcess } from './compile-process.js';
import { passProgram } from './compile-program.js';
import { compileStreams } from './compile-streams.js';
import type { PlanInput } from './input.js';
import { cloneFlags, Namespaces } from './namespaces.js';
import { isRootApart } from './own-root.js';
import { passInherited } from './pass-inherited.js';
import { PlanBuilder, type Plan } from './plan.js';

/** A container that no launcher holds: its first process, and the cgroup to be born in. */
export interface ExecTarget {
  readonly pid: number;
  /** When it started, in clock ticks after boot: no other process was given this pid then. */
  readonly startTicks: number;
  /** Absolute path of the cgroup. */
  readonly cgroupPath?: string | undefined;
}

export interface ExecInput extends Pick<PlanInput, 'host' | 'stdin' | 'stdout' | 'stderr' | 'filter' | 'program' | 'outlivesLauncher' | 'inheritedCount' | 'keepsKeyring' | 'keepsGroups' | 'findsHome'> {
  readonly containerId: string;
  /** Absent: the launcher holds the container. */
  readonly target?: ExecTarget;
  /** The container's own spec and extensions. */
  readonly spec: Spec;
  readonly extensions: Extensions;
  readonly process: Process;
  readonly hasCgroup: boolean;
  /** The process gets no Landlock scopes, whatever the container has. */
  readonly privileged: boolean;
  /** The process may go on without the client. */
  readonly survive: boolean;
  /** The launcher reads what the process prints to its terminal, so that it is never stopped by a full one. */
  readonly drainTerminal: boolean;
}

export function compileExec(input: ExecInput): Plan {
  const builder = new PlanBuilder();
  const namespaces = new Namespaces(input.spec.linux, input.extensions.namespaceFds);
  const entersLast = input.program === undefined && isExposed(input, namespaces) && input.extensions.landlockScopes !== true;
  if (entersLast) checkEntry(input);
  // A program of tsrun's own is neither seen by the container's processes, nor does it count as one of them: it works on one that is
  // frozen or has no memory left, and cannot be taken over from inside.
  const isApart = input.program !== undefined;
  const ownPids = isApart || namespaces.isShared('pid');
  const planInput = execPlanInput(input, namespaces);
  const streams = compileStreams(planInput, builder);
  const program = passProgram(input, builder);
  const inherited = passInherited(input, builder);
  const [process, cgroup] = [builder.slot(), builder.slot()];
  openTarget(input, { process, cgroup }, builder);
  const root = openRootApart(input, namespaces, process, builder);
  streams.makePipes();
  const entry = entersLast ? { births: builder.slot(), report: builder.slot(), proc: builder.slot() } : undefined;
  if (entry !== undefined) builder.add('exec', { op: 'makeEntry', births: entry.births, report: entry.report });
  const isBornInside = !ownPids && entry === undefined;
  const score = input.process.oomScoreAdj;
  builder.add('exec', {
    op: 'clone',
    flags: isApart ? cloneFlags.pid : 0,
    cgroup: input.hasCgroup && !isApart ? cgroup : null,
    joins: isBornInside ? [process] : [],
    joinKinds: isBornInside ? [cloneFlags.pid] : [],
    midwife: input.host.uid !== 0 && isBornInside,
    timeOffsets: '',
    procFiles: score === undefined ? [] : ['oom_score_adj'],
    procValues: score === undefined ? [] : [String(score)],
    survive: input.survive,
  });
  if (entry !== undefined) builder.add('exec', { op: 'enterLast', ...entry });
  compileAppArmor(planInput, builder);
  compileLabel(planInput, builder);
  // In one call: the kernel joins the user namespace first, which gives the right to the others (setns(2), Linux 5.8).
  // The pid namespace was entered by being born; who is not yet there says where its child is to be.
  const kinds = joinedKinds(namespaces) | (entry === undefined ? 0 : cloneFlags.pid);
  builder.add('exec', { op: 'joinNamespaces', descriptor: process, kinds });
  if (!namespaces.isShared('user')) builder.add('exec', { op: 'setIds', uid: 0, gid: 0, setGroups: false, groups: [] });
  if (root !== undefined) builder.add('exec', { op: 'changeRoot', root });
  builder.add('exec', { op: 'enterRoot' });
  // A session is of the namespace that its leader is in.
  if (entry === undefined) builder.add('default', { op: 'newSession' });
  streams.place();
  bindToProcessors(input.process, builder);
  const compilation = { input: planInput, builder, namespaces, joined: new Map(), program, kept: { inherited, entry } };
  // A folder is made for a container that begins, as an image would have it; in one that lives it would be a surprise.
  compileProcess(compilation, false);
  compileIdentity(compilation);
  return builder.finish();
}

function openTarget({ containerId, target }: ExecInput, { process, cgroup }: { readonly process: number; readonly cgroup: number }, builder: PlanBuilder): void {
  if (target === undefined) {
    builder.add('exec', { op: 'openContainer', id: containerId, process, cgroup });
    return;
  }
  builder.add('exec', { op: 'openProcess', pid: target.pid, startTicks: target.startTicks, process });
  if (target.cgroupPath !== undefined) builder.add('exec', { op: 'openCgroup', path: target.cgroupPath, into: cgroup });
}

/** A root that is in no mount namespace is found at the first process alone. */
function openRootApart({ spec, target }: ExecInput, namespaces: Namespaces, process: number, builder: PlanBuilder): number | undefined {
  if (target === undefined || !isRootApart(spec, namespaces)) return undefined;
  const into = builder.slot();
  builder.add('exec', { op: 'openRootOf', process, pid: target.pid, into });
  return into;
}

/**
 * `execCPUAffinity.initial` is for the time before the process is in the container's cgroup (config.md of the runtime-spec,
 * "Linux Process"). There is none: it is born there.
 */
function bindToProcessors({ execCPUAffinity: { final = '' } = {} }: Process, builder: PlanBuilder): void {
  if (final !== '') builder.add('/process/execCPUAffinity/final', { op: 'setAffinity', mask: bitMask(final) });
}

function joinedKinds(namespaces: Namespaces): number {
  const kinds = (['user', 'network', 'ipc', 'uts', 'cgroup', 'time'] as const).filter((type) => !namespaces.isShared(type));
  return kinds.reduce((sum, type) => sum + cloneFlags[type], cloneFlags.mount);
}

/**
 * Until its execve a new process is a copy of the launcher, with its rights. Who is in the container may trace it once it is
 * seen there, if the two are of one user namespace and CAP_SYS_PTRACE is held: being not dumpable keeps only others away
 * (ptrace(2), "Ptrace access mode checking"). A Landlock domain does; else the steps are done outside, where nobody sees the
 * process. Who has CAP_SYS_ADMIN there, or sees the host's processes anyway, needs no such way.
 */
function isExposed({ spec }: ExecInput, namespaces: Namespaces): boolean {
  const sets = spec.process?.capabilities;
  if (sets === undefined || !namespaces.isShared('user') || namespaces.isShared('pid')) return false;
  const held = new Set(Object.values(sets).flat());
  return held.has('CAP_SYS_PTRACE') && !held.has('CAP_SYS_ADMIN');
}

/** What a process that enters last cannot have: the launcher's death signal is its own to ask for, and some of it a fork does not pass on. */
function checkEntry({ containerId, outlivesLauncher, process, spec }: ExecInput): void {
  const refuse = (what: string, field: string, hint: string) => new TsrunError('ERR_TSRUN_HOST', `nothing can be executed in '${containerId}' safely${what}: it holds CAP_SYS_PTRACE in the host's user namespace, and could take over the process that joins it`, { field, hint });
  if (outlivesLauncher !== true) throw refuse('', '/process/capabilities', 'give the container a user namespace, drop SYS_PTRACE, or leave Landlock on (Linux 6.12)');
  // sched(7), "The SCHED_RESET_ON_FORK flag".
  if (process.scheduler?.flags?.includes('SCHED_FLAG_RESET_ON_FORK') === true) throw refuse(' with a scheduler that is reset on fork', '/process/scheduler/flags', 'leave the flag away');
  // Whoever listens would be told the pid of the process that stays outside.
  if (spec.linux?.seccomp !== undefined && notifies(spec.linux.seccomp)) throw refuse(' under a seccomp listener', '/linux/seccomp/listenerPath', 'drop CAP_SYS_PTRACE');
}

/**
 * Landlock scopes would part the new process from the container's others: a domain is inherited, not joined. They are
 * set only where a namespace does not already keep signals and abstract sockets inside, and where what is executed could
 * trace what is executed next.
 */
function execPlanInput(input: ExecInput, namespaces: Namespaces): PlanInput {
  const contained = namespaces.isNew('pid') && namespaces.isNew('network') && !isExposed(input, namespaces);
  const landlockScopes = input.extensions.landlockScopes === true && !input.privileged;
  return {
    spec: { ...input.spec, process: input.process },
    extensions: { landlockScopes: landlockScopes && !contained, ...(input.drainTerminal ? { log: { maxBytes: 0 } } : {}) },
    host: input.host,
    rootPath: '',
    stdin: input.stdin,
    stdout: input.stdout,
    stderr: input.stderr,
    ...(input.filter === undefined ? {} : { filter: input.filter }),
    ...(input.outlivesLauncher === undefined ? {} : { outlivesLauncher: input.outlivesLauncher }),
    ...(input.keepsKeyring === undefined ? {} : { keepsKeyring: input.keepsKeyring }),
    ...(input.keepsGroups === undefined ? {} : { keepsGroups: input.keepsGroups }),
    ...(input.findsHome === undefined ? {} : { findsHome: input.findsHome }),
  };
}
