/**
 * `compilePlan`: spec + extensions + host facts → plan. Pure: no I/O, no clock; the same input gives the same plan on any
 * system. The order of the parts below is the order of things in the launcher and in the container's first process, and
 * most of it is forced by the kernel; where it is, the part that forces it says so.
 */
import { TsrunError } from '../spec/errors.js';
import { pointer } from '../spec/quote.js';
import { sysctlPath } from '../spec/sysctl-names.js';
import type { Compilation } from './compilation.js';
import { compileCgroup } from './compile-cgroup.js';
import { compileDevices } from './compile-devices.js';
import { compileCreateHooks, passHookOutputs } from './compile-hooks.js';
import { coverKernelFiles } from './compile-kernel-files.js';
import { compileAppArmor, compileLabel } from './compile-labels.js';
import { compileMounts, type MountPlan } from './compile-mounts.js';
import { compileIdentity, compileProcess } from './compile-process.js';
import { passProgram } from './compile-program.js';
import { compileRoot, idMapText } from './compile-root.js';
import { compileStreams, type StreamSlots } from './compile-streams.js';
import { keepsMounts } from './kept-mounts.js';
import type { PlanInput } from './input.js';
import { cloneFlags, Namespaces } from './namespaces.js';
import { bringsRoot, ownsRoot, refuseUnattached } from './own-root.js';
import { passInherited } from './pass-inherited.js';
import { PlanBuilder, type Plan } from './plan.js';
import { refuseOwnMounts, refuseUnsupported } from './unsupported.js';
import type { NamespaceType } from '../spec/types.js';

export function compilePlan(input: PlanInput): Plan {
  refuseUnsupported(input);
  const builder = new PlanBuilder();
  const namespaces = new Namespaces(input.spec.linux, input.extensions.namespaceFds);
  // Slots of passed descriptors come first, so both kinds are taken before anything else.
  const streams = compileStreams(input, builder);
  const joined = passNamespaces(namespaces, input, builder);
  const memory = input.timings === true ? builder.pass('timings') : undefined;
  const program = passProgram(input, builder);
  const inherited = passInherited(input, builder);
  const kept = { inherited, hookOutputs: passHookOutputs(input, builder), fifos: input.startFifos === undefined ? undefined : { start: builder.slot(), report: builder.slot() } };
  const compilation: Compilation = { input, builder, namespaces, joined, program, kept };

  // In the launcher.
  if (memory !== undefined) builder.add('timings', { op: 'measureSteps', memory });
  if (input.state !== undefined) {
    const { directory, temporary, record } = input.state;
    const keep = !(input.extensions.autoRemove ?? true);
    builder.add('extensions.autoRemove', { op: 'recordState', directory, temporary, content: Buffer.from(record), keep });
  }
  if (kept.fifos !== undefined && input.startFifos !== undefined) {
    builder.add('create', { op: 'openFifo', path: input.startFifos.start, writer: false, into: kept.fifos.start });
    builder.add('create', { op: 'openFifo', path: input.startFifos.report, writer: true, into: kept.fifos.report });
  }
  const cgroup = compileCgroup(compilation);
  const holdsDevices = compileDevices(compilation, cgroup);
  openNamespaces(compilation);
  const enterRoot = ownsRoot(input, namespaces) ? compileOwnRoot(compilation, streams, holdsDevices) : compileGivenRoot(compilation, streams);
  program?.openLayers();
  streams.makePipes();
  if (keepsMounts(compilation)) builder.add(namespaces.field('mount'), { op: 'keepMounts' });
  addClone(compilation, cgroup);

  // In the container's first process.
  compileAppArmor(input, builder);
  compileLabel(input, builder);
  enterNamespaces(compilation);
  enterRoot();
  compileProcess(compilation, ownsRoot(input, namespaces));
  compileIdentity(compilation);
  return builder.finish();
}

/** Gives what is left to do in the container. */
function compileOwnRoot(compilation: Compilation, streams: StreamSlots, holdsDevices: boolean): () => void {
  const { input, builder, namespaces, joined } = compilation;
  const isApart = bringsRoot(input, namespaces);
  if (isApart) refuseUnattached(compilation);
  const root = compileRoot(compilation, holdsDevices);
  const mounts = compileMounts(compilation);
  const runHooks = compileCreateHooks(compilation);
  return () => {
    builder.add('/root/path', { op: 'attachRoot', mount: root.slot });
    for (const mount of root.parts) builder.add('extensions.root', { op: 'stowMount', mount });
    attachAll(compilation, mounts, streams);
    runHooks();
    root.beforeReadonly(input.spec.process?.cwd ?? '/');
    root.finish();
    builder.add('/root/path', { op: 'pivotRoot' });
    mounts.propagate();
    if (!isApart) return;
    builder.add(namespaces.field('mount'), { op: 'takeRootAlong', mounts: joined.get('mount') ?? -1 });
    builder.add('/root/path', { op: 'enterRoot' });
  };
}

/** In a mount namespace that is there already its root is the container's, and nothing is mounted: others would see it. */
function compileGivenRoot(compilation: Compilation, streams: StreamSlots): () => void {
  refuseOwnMounts(compilation);
  const runHooks = compileCreateHooks(compilation);
  return () => {
    compilation.builder.add(compilation.namespaces.field('mount'), { op: 'enterRoot' });
    setUpNamespaces(compilation);
    compilation.builder.add('default', { op: 'newSession' });
    streams.place();
    runHooks();
  };
}

function attachAll(compilation: Compilation, mounts: MountPlan, streams: StreamSlots): void {
  mounts.attach();
  setUpNamespaces(compilation);
  writeFiles(compilation);
  coverKernelFiles(compilation);
  mounts.protect();
  compilation.builder.add('default', { op: 'newSession' });
  streams.place();
  mounts.finish();
}

function passNamespaces(namespaces: Namespaces, { extensions }: PlanInput, builder: PlanBuilder): Map<NamespaceType, number> {
  const slots = new Map<NamespaceType, number>();
  for (const { type } of namespaces.joined()) {
    if (extensions.namespaceFds?.[type] !== undefined) slots.set(type, builder.pass(`namespace:${type}`));
  }
  return slots;
}

function openNamespaces({ namespaces, builder, joined }: Compilation): void {
  for (const { type, path } of namespaces.joined()) {
    if (joined.has(type) || path === undefined) continue;
    const into = builder.slot();
    joined.set(type, into);
    builder.add(namespaces.field(type), { op: 'openNamespace', path, kind: cloneFlags[type], into });
  }
}

function timeOffsets({ input: { spec } }: Compilation): string {
  const offsets = spec.linux?.timeOffsets;
  const line = (clock: 'monotonic' | 'boottime') => {
    const offset = offsets?.[clock];
    return offset === undefined ? '' : `${clock} ${offset.secs ?? 0} ${offset.nanosecs ?? 0}\n`;
  };
  return line('monotonic') + line('boottime');
}

function addClone(compilation: Compilation, cgroup: number | null): void {
  const { input, builder, namespaces } = compilation;
  const { spec, extensions } = input;
  const offsets = timeOffsets(compilation);
  let flags = 0;
  for (const type of ['mount', 'pid', 'network', 'ipc', 'uts', 'cgroup', 'user', 'time'] as const) {
    // A time namespace with offsets is entered by way of the launcher: offsets can be written only before the first
    // process is in it (time_namespaces(7)).
    const isNew = namespaces.isNew(type) || (type === 'mount' && bringsRoot(input, namespaces));
    if (isNew && !(type === 'time' && offsets !== '')) flags += cloneFlags[type];
  }
  const procFiles: string[] = [];
  const procValues: string[] = [];
  const write = (file: string, value: string) => {
    procFiles.push(file);
    procValues.push(value);
  };
  if (namespaces.isNew('user')) {
    write('uid_map', idMapText(spec.linux?.uidMappings));
    write('gid_map', idMapText(spec.linux?.gidMappings));
  }
  const score = spec.process?.oomScoreAdj;
  if (score !== undefined) write('oom_score_adj', String(score));
  builder.add('/linux/namespaces', {
    op: 'clone',
    flags,
    cgroup,
    ...birthPlace(compilation, offsets),
    timeOffsets: offsets,
    procFiles,
    procValues,
    survive: extensions.survive ?? false,
  });
}

/**
 * Joined namespaces are entered before the process is born, the user namespace last: from then on there is no right to
 * what the host owns. Nobody comes back from a user namespace, so a process in between goes there.
 */
function birthPlace({ input, namespaces, joined }: Compilation, offsets: string): { joins: number[]; joinKinds: number[]; midwife: boolean } {
  // What brings a root along makes it first.
  const order = namespaces.joined().map(({ type }) => type).filter((type) => type !== 'mount' || !bringsRoot(input, namespaces)).reverse();
  return {
    joins: order.map((type) => joined.get(type) ?? -1),
    joinKinds: order.map((type) => cloneFlags[type]),
    // An ordinary user's launcher could not come back from any of them.
    midwife: namespaces.isJoined('user') || (input.host.uid !== 0 && (order.length > 0 || offsets !== '')),
  };
}

/** Before it is root of its user namespace the process owns nothing there. */
function enterNamespaces({ namespaces, builder }: Compilation): void {
  if (namespaces.isShared('user')) return;
  builder.add('/linux/uidMappings', { op: 'setIds', uid: 0, gid: 0, setGroups: false, groups: [] });
}

function setUpNamespaces({ input: { spec, extensions, host }, namespaces, builder }: Compilation): void {
  if (namespaces.isNew('network')) builder.add(namespaces.field('network'), { op: 'raiseLoopback' });
  // Kernel parameters below may be those of its interfaces.
  if (extensions.network !== undefined) builder.add('extensions.network', { op: 'awaitClient', openFiles: host.uid !== 0 });
  // An empty name is none: engines written in Go send one for what is not set.
  if (spec.hostname) builder.add('/hostname', { op: 'setHostname', name: spec.hostname });
  if (spec.domainname) builder.add('/domainname', { op: 'setDomainname', name: spec.domainname });
  for (const [key, value] of Object.entries(spec.linux?.sysctl ?? {})) {
    builder.add(pointer('/linux/sysctl', key), { op: 'writeSysctl', file: `sys/${sysctlPath(key)}`, value });
  }
}

/** Into the layer that goes with the container; over a root that is written to for good, in which a missing one is made, empty, to be covered. */
function writeFiles({ input: { extensions: { files = {}, root } }, builder }: Compilation): void {
  const paths = Object.keys(files);
  const relative = paths.find((path) => !path.startsWith('/'));
  if (relative !== undefined) throw new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', `'${relative}' is not an absolute path`, { field: 'extensions.files' });
  if ((root?.kind ?? 'writable') !== 'writable') {
    for (const [path, content] of Object.entries(files)) builder.add(`extensions.files.${path}`, { op: 'writeFile', path, mode: 0o644, content: Buffer.from(content) });
  } else if (paths.length > 0) {
    builder.add('extensions.files', { op: 'coverFiles', paths, contents: Object.values(files), mode: 0o644, options: ['size=1m', 'mode=0755'] });
  }
}
