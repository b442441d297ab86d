/** A further process in a live container: the same steps as for the first one, less everything that exists already. */
import { parseCpuList } from '../host/probe.js';
import type { Extensions } from '../spec/extensions.js';
import type { Process, Spec } from '../spec/types.js';
import { compileIdentity, compileProcess } from './compile-process.js';
import { compileStreams } from './compile-streams.js';
import type { PlanInput } from './input.js';
import { cloneFlags, Namespaces } from './namespaces.js';
import { PlanBuilder, type Plan } from './plan.js';

export interface ExecInput extends Pick<PlanInput, 'host' | 'stdin' | 'stdout' | 'stderr' | 'filter'> {
  readonly containerId: string;
  /** The container's own spec and extensions. */
  readonly spec: Spec;
  readonly extensions: Extensions;
  readonly process: Process;
  readonly hasCgroup: boolean;
  /** The process may go on without the client. */
  readonly survive: boolean;
  /** The launcher reads what the process prints to its terminal, so that it is never stopped by a full one. */
  readonly drainTerminal: boolean;
}

export function compileExec(input: ExecInput): Plan {
  const builder = new PlanBuilder();
  const namespaces = new Namespaces(input.spec.linux, input.extensions.namespaceFds);
  const planInput = execPlanInput(input, namespaces);
  const streams = compileStreams(planInput, builder);
  const [process, cgroup] = [builder.slot(), builder.slot()];
  builder.add('exec', { op: 'openContainer', id: input.containerId, process, cgroup });
  streams.makePipes();
  builder.add('exec', {
    op: 'clone',
    flags: 0,
    cgroup: input.hasCgroup ? cgroup : null,
    joins: namespaces.isShared('pid') ? [] : [process],
    joinKinds: namespaces.isShared('pid') ? [] : [cloneFlags.pid],
    midwife: input.host.uid !== 0 && !namespaces.isShared('pid'),
    timeOffsets: '',
    procFiles: [],
    procValues: [],
    survive: input.survive,
  });
  // In one call: the kernel joins the user namespace first, which gives the right to the others (setns(2), Linux 5.8).
  // The pid namespace was entered by being born.
  builder.add('exec', { op: 'joinNamespaces', descriptor: process, kinds: joinedKinds(namespaces) });
  if (!namespaces.isShared('user')) builder.add('exec', { op: 'setIds', uid: 0, gid: 0, setGroups: false, groups: [] });
  builder.add('exec', { op: 'enterRoot' });
  builder.add('default', { op: 'newSession' });
  streams.place();
  bindToProcessors(input.process, builder);
  const compilation = { input: planInput, builder, namespaces, joined: new Map() };
  compileProcess(compilation);
  compileIdentity(compilation);
  return builder.finish();
}

/**
 * `execCPUAffinity.initial` is for the time before the process is in the container's cgroup (config.md of the runtime-spec,
 * "Linux Process"). There is none: it is born there.
 */
function bindToProcessors({ execCPUAffinity: { final = '' } = {} }: Process, builder: PlanBuilder): void {
  if (final !== '') builder.add('/process/execCPUAffinity/final', { op: 'setAffinity', mask: processorMask(final) });
}

/** As sched_setaffinity(2) takes it. */
function processorMask(list: string): Uint8Array {
  const processors = parseCpuList(list);
  const mask = new Uint8Array(((Math.max(...processors) >> 6) + 1) * 8);
  for (const processor of processors) mask[processor >> 3] = (mask[processor >> 3] ?? 0) | (1 << (processor & 7));
  return mask;
}

function joinedKinds(namespaces: Namespaces): number {
  const kinds = (['user', 'network', 'ipc', 'uts', 'cgroup', 'time'] as const).filter((type) => !namespaces.isShared(type));
  return kinds.reduce((sum, type) => sum + cloneFlags[type], cloneFlags.mount);
}

/**
 * Landlock scopes would part the new process from the container's others: a domain is inherited, not joined. They are
 * set only where a namespace does not already keep signals and abstract sockets inside.
 */
function execPlanInput(input: ExecInput, namespaces: Namespaces): PlanInput {
  const contained = namespaces.isNew('pid') && namespaces.isNew('network');
  const { landlockScopes = false } = input.extensions;
  return {
    spec: { ...input.spec, process: input.process },
    extensions: { landlockScopes: landlockScopes && !contained, ...(input.drainTerminal ? { log: { maxBytes: 0 } } : {}) },
    host: input.host,
    rootPath: '',
    stdin: input.stdin,
    stdout: input.stdout,
    stderr: input.stderr,
    ...(input.filter === undefined ? {} : { filter: input.filter }),
  };
}
