/**
 * Mounts of a container that is there already. Sources are opened and made by the launcher, as for one that begins; a process that joins
 * the container's mount namespace, and executes nothing, attaches them, or lets go of others. In its pid namespace nobody sees that process.
 */
import type { HostFacts } from '../host/facts.js';
import { isBind } from '../spec/bind.js';
import { TsrunError } from '../spec/errors.js';
import { mountTarget } from '../spec/inner-path.js';
import type { IdMaps, Mount, Spec } from '../spec/types.js';
import type { Compilation } from './compilation.js';
import { compileBind } from './compile-bind.js';
import type { ExecTarget } from './compile-exec.js';
import { labelOf } from './compile-mounts.js';
import { hostId, knownIdMapsOf } from './compile-root.js';
import { checkMountData } from './mount-data.js';
import { privatePropagation, propagations, readMountOptions } from './mount-options.js';
import { cloneFlags, Namespaces } from './namespaces.js';
import { PlanBuilder, type Plan } from './plan.js';

export interface LiveMountsInput {
  readonly host: HostFacts;
  /** Its first process. */
  readonly target: Pick<ExecTarget, 'pid' | 'startTicks'>;
  /** The container's own. */
  readonly spec: Spec;
  /** The maps of a user namespace that it has joined. */
  readonly joinedIdMaps?: IdMaps | undefined;
  readonly mounts: readonly Mount[];
}

export interface AddedMountsInput extends LiveMountsInput {
  /** Some of its mounts are peers of mounts of the host: what is attached there appears on the host as well. */
  readonly hasPeers: boolean;
}

type Attach = () => void;

export function compileAddedMounts(input: AddedMountsInput): Plan {
  const compilation = begin(input);
  const process = openProcess(input, compilation);
  const attachments = input.mounts.map((mount, index) => compileAdded(compilation, mount, `/mounts/${index}`, input.hasPeers));
  enter(compilation, process);
  for (const attach of attachments) attach();
  return end(compilation);
}

/** Of each the destination alone counts. */
export function compileRemovedMounts(input: LiveMountsInput): Plan {
  const compilation = begin(input);
  const process = openProcess(input, compilation);
  enter(compilation, process);
  for (const [index, mount] of input.mounts.entries()) {
    const field = `/mounts/${index}/destination`;
    const target = placeOf(mount, field);
    refuseWall(input.spec, target, field);
    compilation.builder.add(field, { op: 'detachMount', target });
  }
  return end(compilation);
}

function begin({ host, spec, joinedIdMaps }: LiveMountsInput): Compilation {
  const namespaces = new Namespaces(spec.linux);
  if (!namespaces.isNew('mount')) {
    throw new TsrunError('ERR_TSRUN_UNSUPPORTED', `the container has no mount namespace of its own: its mounts are those of the one that it ${namespaces.isShared('mount') ? 'shares' : 'joins'}, and others see them`, {
      field: namespaces.field('mount'),
      hint: 'mount it there by other means, or give the container one: {"type": "mount"} in linux.namespaces',
    });
  }
  const input = { spec, extensions: {}, host, rootPath: '', stdin: 'ignore', stdout: 'ignore', stderr: 'ignore', ...(joinedIdMaps === undefined ? {} : { joinedIdMaps }) } as const;
  return { input, builder: new PlanBuilder(), namespaces, joined: new Map() };
}

function openProcess({ target: { pid, startTicks } }: LiveMountsInput, { builder }: Compilation): number {
  const process = builder.slot();
  builder.add('mounts', { op: 'openProcess', pid, startTicks, process });
  return process;
}

/** As root of the container's user namespace: to it belongs what is made on the way to a place. */
function enter({ builder, namespaces }: Compilation, process: number): void {
  const ownsUsers = !namespaces.isShared('user');
  builder.add('mounts', { op: 'clone', flags: 0, cgroup: null, joins: [], joinKinds: [], midwife: false, timeOffsets: '', procFiles: [], procValues: [], survive: false });
  builder.add('mounts', { op: 'joinNamespaces', descriptor: process, kinds: cloneFlags.mount + (ownsUsers ? cloneFlags.user : 0) });
  if (ownsUsers) builder.add('mounts', { op: 'setIds', uid: 0, gid: 0, setGroups: false, groups: [] });
  builder.add('mounts', { op: 'dieWithLauncher' });
  builder.add('mounts', { op: 'enterRoot' });
}

function end({ builder }: Compilation): Plan {
  builder.add('mounts', { op: 'finish' });
  return builder.finish();
}

const refusedWords: Readonly<Record<string, string>> = {
  remount: 'a link that was put in the way since would say which mount it changes',
  tmpcopyup: 'what is copied may change meanwhile',
  'copy-symlink': 'it makes a link, and no mount',
};

function compileAdded(compilation: Compilation, mount: Mount, field: string, hasPeers: boolean): Attach {
  const target = placeOf(mount, `${field}/destination`);
  const refused = mount.options?.find((word) => Object.hasOwn(refusedWords, word));
  if (refused !== undefined) throw refusal(`the option ${refused} is not for a container that is there already: ${refusedWords[refused]}`, `${field}/options`, 'remove the option, or put the mount into config.json');
  const attach = isBind(mount) ? addBind : addTmpfs;
  return hasPeers ? kept(compilation, mount, target, field, attach) : attach(compilation, mount, field);
}

/**
 * Nothing that is unbindable is moved to where mount events are passed on (EINVAL; mount(2), "MS_MOVE"), whatever the way there has become by
 * then. Once it is attached it becomes what was asked for.
 */
function kept(compilation: Compilation, mount: Mount, target: string, field: string, attach: typeof addBind): Attach {
  const unbindable = propagations.get('unbindable');
  const { propagation = privatePropagation, propagationRecursive } = readMountOptions(mount.options);
  if (propagation !== privatePropagation && propagation !== unbindable) {
    throw refusal('a mount that passes events on is not for a container that has mounts in common with the host', `${field}/options`, 'leave shared and slave out');
  }
  const attachKept = attach(compilation, { ...mount, options: [...(mount.options ?? []), propagationRecursive ? 'runbindable' : 'unbindable'] }, field);
  return () => {
    attachKept();
    if (propagation !== unbindable) compilation.builder.add(`${field}/options`, { op: 'setPropagation', target, propagation, recursive: propagationRecursive });
  };
}

function addBind(compilation: Compilation, mount: Mount, field: string): Attach {
  return compileBind(compilation, mount, field);
}

/** Made by the launcher, like all others that are attached: nobody in the container says what becomes of it on the way. */
function addTmpfs(compilation: Compilation, mount: Mount, field: string): Attach {
  const { builder } = compilation;
  const { type = '' } = mount;
  if (type !== 'tmpfs') throw refusal(`a file system of type '${type}' is made with the container, or would show what is not the container's`, `${field}/type`, 'bind what is mounted on the host, or put the mount into config.json');
  const { own, recursive, data, idMap, propagation, propagationRecursive } = readMountOptions(mount.options);
  if (idMap !== 'no' || (mount.uidMappings ?? []).length > 0) throw refusal('an id map of a mount that is no bind is not supported yet', `${field}/options`, 'remove it: the file system belongs to the container');
  const maps = knownIdMapsOf(compilation);
  checkMountData({ type, options: mount.options, maps, at: `${field}/options` });
  const slot = builder.slot();
  builder.add(field, { op: 'makeTmpfs', options: [...ownedBy(data, maps), ...labelOf(compilation, type)], attributes: own.set | recursive.set, into: slot });
  if (propagation !== undefined) builder.add(`${field}/options`, { op: 'setMount', mount: slot, recursive: propagationRecursive, set: 0n, clear: 0n, propagation, idMap: null });
  return () => {
    builder.add(`${field}/destination`, { op: 'attachMount', mount: slot, target: mountTarget(mount), follow: true, onLink: false });
  };
}

/** In the ids of the launcher's user namespace, in which it is made; root's where nobody else is named. */
function ownedBy(data: readonly string[], maps: IdMaps | undefined): readonly string[] {
  if (maps === undefined) return data;
  const owners = ([['uid', maps.uidMappings], ['gid', maps.gidMappings]] as const).map(([key, mappings]) => {
    const given = data.findLast((word) => word.startsWith(`${key}=`)) ?? `${key}=0`;
    return `${key}=${hostId(mappings, Number(given.slice(key.length + 1)))}`;
  });
  return [...data.filter((word) => !/^[ug]id=/.test(word)), ...owners];
}

function placeOf(mount: Mount, field: string): string {
  const target = mountTarget(mount);
  if (target === '/') throw refusal('the root of a container stays as it is', field, 'name a place below it');
  return target;
}

/** What covers files of the kernel's is no mount of anybody's who adds and removes some. */
function refuseWall({ linux }: Spec, target: string, field: string): void {
  const walls = [...(linux?.maskedPaths ?? []), ...(linux?.readonlyPaths ?? [])].map((destination) => mountTarget({ destination }));
  if (walls.includes(target)) throw refusal(`'${target}' is covered by maskedPaths or readonlyPaths of config.json`, field, 'leave it out there, and make the container anew');
}

function refusal(message: string, field: string, hint: string): TsrunError {
  return new TsrunError('ERR_TSRUN_UNSUPPORTED', message, { field, hint });
}
