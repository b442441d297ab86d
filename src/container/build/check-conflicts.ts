/** Options that contradict each other, the image or the host: refused before anything is touched. */

import type { ResolvedImage } from '../../image/resolved-image.js';
import type { ResolvedUser } from '../../image/users.js';
import type { HostFacts } from '../../host/facts.js';
import { isBind } from '../../spec/bind.js';
import { TsrunError } from '../../spec/errors.js';
import type { Faults } from '../../spec/faults.js';
import { normalPath } from '../../spec/inner-path.js';
import { pointer, show } from '../../spec/quote.js';
import { sysctlOwner } from '../../spec/sysctl-names.js';
import { parseSize } from '../../spec/size.js';
import type { Mount, NamespaceType } from '../../spec/types.js';
import { checkGivenRoot } from './given-root.js';
import { hasOffsets, type IdMaps, type Standing } from './build-namespaces.js';
import { checkIdsAreMapped, checkOwnersAreMapped } from './check-ids.js';
import type { RunOptions } from '../options/options.js';
import { rootLack, rootMode } from './root-mode.js';

export interface ConflictInput {
  readonly options: RunOptions;
  readonly image: ResolvedImage;
  readonly user: ResolvedUser;
  readonly maps: IdMaps | undefined;
  readonly standing: Readonly<Record<NamespaceType, Standing>>;
}

export function checkConflicts(input: ConflictInput, faults: Faults): void {
  checkGivenRoot(input, faults);
  checkNames(input, faults);
  checkRoot(input, faults);
  checkFiles(input, faults);
  checkShm(input, faults);
  checkSysctls(input, faults);
  checkNamespaces(input, faults);
  checkIds(input, faults);
  checkTime(input, faults);
  checkLog(input, faults);
  checkProcess(input, faults);
}

function checkProcess({ options: { process, entrypoint }, image }: ConflictInput, faults: Faults): void {
  if (process === undefined) return;
  if (image.config === undefined) faults.add('/process', `${show(image.name)} is a folder, which lists no process types`, 'name a program instead');
  else if (entrypoint !== undefined) faults.add('/process', 'an entrypoint is asked for as well', 'leave one of the two out');
}

function checkTime({ options }: ConflictInput, faults: Faults): void {
  if (options.timeoutMs === undefined || options.survive !== true) return;
  faults.add('/timeoutMs', 'nobody keeps the time of a container that survives its caller', 'leave one of the two out, or run the program under timeout(1)');
}

/** A descriptor that is handed on is the program's alone: nobody reads along. */
function checkLog({ options }: ConflictInput, faults: Faults): void {
  if (options.log !== true || (options.terminal ?? false) !== false) return;
  for (const name of ['stdout', 'stderr'] as const) {
    const stream = options[name];
    if (stream === 'inherit' || typeof stream === 'number') faults.add('/log', `${name} is handed on to the program, and past the log`, `leave log out, or ${name}: "pipe" or "ignore" keeps what is printed`);
  }
}

function checkNames({ options, standing }: ConflictInput, faults: Faults): void {
  for (const name of ['hostname', 'domainname'] as const) {
    if (options[name] !== undefined && standing.uts === 'host') {
      faults.add(`/${name}`, "it would rename the host, as the container shares the host's uts namespace", options.namespaces?.uts === undefined ? 'give the container its own with --uts private' : `drop --uts host, or --${name}`);
    }
  }
}

/** A file of the host, or one in a volume, is not written to; what a bundle mounts on the file itself makes room. */
function checkFiles({ options, image }: ConflictInput, faults: Faults): void {
  const { mounts = [] } = options;
  const isAbove = (mount: Pick<Mount, 'type' | 'destination'>, path: string) => isBind(mount) && path.startsWith(`${normalPath(mount.destination)}/`);
  const covers = (path: string) => mounts.find((mount) => normalPath(mount.destination) === path) ?? [...(image.spec?.mounts ?? []), ...mounts].find((mount) => isAbove(mount, path));
  for (const [name, path] of [['dns', '/etc/resolv.conf'], ['addHosts', '/etc/hosts']] as const) {
    const cover = options[name] === undefined ? undefined : covers(path);
    if (cover !== undefined) faults.add(`/${name}`, `${path} lies in what is mounted at ${show(cover.destination)}, and the host's files are not changed`, 'leave one of the two out');
  }
}

function checkRoot({ options, image }: ConflictInput, faults: Faults): void {
  const readonly = image.spec?.root?.readonly === true;
  if (options.root === 'writable' && readonly) {
    faults.add('/root', `the root of bundle ${show(image.name)} is read-only by its config.json`, 'change root.readonly there, or drop --writable');
  }
  if (options.root === 'writable' && image.kind === 'image') {
    faults.add('/root', `the layers of image ${show(image.name)} never change, since others use them as well`, 'leave --writable out: a disposable root takes writes as well');
  }
  const kind = options.root ?? (readonly ? 'read-only' : 'disposable');
  if (options.rootBytes !== undefined && parseSize(options.rootBytes) === 0) {
    faults.add('/rootBytes', 'a disposable root needs room for writes', 'leave it out for 64m, or give the container a root that is read-only');
  }
  if (options.rootStorage !== undefined && kind !== 'disposable') faults.add('/rootStorage', `a ${kind} root has no layer for writes`, 'leave it out');
  if (options.rootBytes !== undefined && kind !== 'disposable') faults.add('/rootBytes', `a ${kind} root has no layer for writes to size`, 'leave it out');
}

function checkShm({ options, image, standing }: ConflictInput, faults: Faults): void {
  if (options.shmBytes === undefined) return;
  if (standing.ipc === 'host' && image.kind !== 'bundle') faults.add('/shmBytes', "/dev/shm is the host's, as the ipc namespace is", 'drop --ipc host, or --shm-size');
  if ((options.mounts ?? []).some(({ destination }) => normalPath(destination) === '/dev/shm')) {
    faults.add('/shmBytes', 'another mount at /dev/shm is asked for as well', 'leave one of the two out');
  }
}

function checkSysctls({ options, standing }: ConflictInput, faults: Faults): void {
  const { network, namespaces = {}, sysctls = {} } = options;
  const choices = { network, ipc: namespaces.ipc, uts: namespaces.uts };
  for (const name of Object.keys(sysctls)) {
    const owner = sysctlOwner(name);
    if ((owner !== 'network' && owner !== 'ipc' && owner !== 'uts') || standing[owner] !== 'host') continue;
    const own = owner === 'network' ? 'none' : 'private';
    const hint = choices[owner] === undefined ? `give the container its own with --${owner} ${own}` : `drop --${owner} host, or --sysctl`;
    faults.add(pointer('/sysctls', name), `it would change the host, as the container shares the host's ${owner} namespace`, hint);
  }
}

function checkNamespaces({ options, image, standing }: ConflictInput, faults: Faults): void {
  // Their files belong to root of the host, and no user namespace lends that.
  for (const name of ['hostname', 'domainname'] as const) {
    if (options.sysctls?.[`kernel.${name}`] === undefined || standing.user === 'host') continue;
    faults.add(`/sysctls/kernel.${name}`, 'no container with ids of its own may set it', `give the name itself: --${name}`);
  }
  if (hasOffsets(options.timeOffsets) && standing.time !== 'new') {
    faults.add('/timeOffsets', 'clocks can be moved only in a new time namespace', 'leave namespaces.time out, or the offsets');
  }
  // Its processes belong to another user namespace, which a new one has no right over: not even to mount their /proc.
  const { pid, user } = options.namespaces ?? {};
  const isAsked = image.kind !== 'bundle' || pid !== undefined || user !== undefined;
  if (isAsked && standing.pid === 'joined' && standing.user === 'new') {
    faults.add('/namespaces/pid', 'a pid namespace cannot be joined from a new user namespace', 'join its user namespace as well (--userns container:NAME), or add --userns host');
  }
}

/** Those of a bundle's own process are checked with its spec. */
function checkIds({ options, image, user, maps }: ConflictInput, faults: Faults): void {
  if (maps === undefined) return;
  checkOwnersAreMapped(options.mounts ?? [], maps, faults);
  if (image.spec?.process !== undefined && options.user === undefined && options.groups === undefined) return;
  checkIdsAreMapped(user, maps, options.groups ?? [], faults);
}

/** Walls that this kernel cannot build. A default that is missing is an error only when the caller is strict. */
export function checkHost({ options, image, standing }: Pick<ConflictInput, 'options' | 'image' | 'standing'>, host: HostFacts): void {
  if (standing.user === 'new' && !host.supports.userNamespaces) {
    throw missing('/namespaces/user', 'user namespaces are not to be had here', 'tsrun doctor says who blocks them; --userns host does without');
  }
  if (standing.mount === 'host' && host.uid !== 0) {
    throw missing('/namespaces/mount', "an ordinary user's launcher is in a user namespace, which has no right over the host's mount namespace", 'run as root, or give the container a mount namespace');
  }
  if (standing.time === 'new' && !host.supports.timeNamespaces) {
    throw missing('/namespaces/time', 'this kernel has no time namespaces', 'leave the offsets out');
  }
  const lack = options.strict === true ? rootLack(rootMode({ options, image }), host) : undefined;
  if (lack !== undefined) throw missing('/root', lack, 'use --writable, --read-only or a newer kernel, or drop --strict');
  if (options.rootStorage === 'disk' && host.uid !== 0) {
    throw missing('/rootStorage', "an ordinary user's disposable root is in memory: files of subordinate ids could be left on disk", 'leave it out, or run as root');
  }
  const demanded = options.landlock ?? (options.strict === true && options.privileged !== true);
  if (demanded && !hasLandlockScopes(host)) {
    throw missing('/landlock', `this kernel has no Landlock scopes (ABI ${host.landlockAbi}, they need ${scopesAbi})`, 'use Linux 6.12 or newer, or --security-opt landlock=off');
  }
}

/** LANDLOCK_SCOPE_SIGNAL and LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET (landlock(7)). */
const scopesAbi = 6;

export function hasLandlockScopes({ landlockAbi }: HostFacts): boolean {
  return landlockAbi >= scopesAbi;
}

function missing(field: string, message: string, hint: string): TsrunError {
  return new TsrunError('ERR_TSRUN_HOST', message, { field, hint });
}
