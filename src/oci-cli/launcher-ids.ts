/**
 * An ordinary user's launcher is in a user namespace of its own, where root is the user and the ids behind it are the user's subordinate
 * ones; a container's is made in there. config.json counts as the host does, the plan as the launcher does.
 */
import { subordinateRanges, type IdRange } from '../host/id-ranges.js';
import { systemReader } from '../host/reader.js';
import type { IdMapping, Linux, Spec } from '../spec/types.js';
import { accessSync, constants } from './platform/fs.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

const patienceMs = 10_000;

interface Kind {
  readonly file: string;
  readonly program: string;
  readonly field: 'uidMappings' | 'gidMappings';
  readonly own: number;
}

function kinds(): readonly [Kind, Kind] {
  const { uid, gid } = host.ids();
  return [
    { file: '/etc/subuid', program: 'newuidmap', field: 'uidMappings', own: uid },
    { file: '/etc/subgid', program: 'newgidmap', field: 'gidMappings', own: gid },
  ];
}

/** Who is not root, and has a user namespace made for each launcher. */
export function isOrdinaryUser(): boolean {
  return host.ids().uid !== 0;
}

/** As an ordinary user's engine is (podman), as root there: the launcher needs no other. The first user namespace has all ids (user_namespaces(7)). */
export function isInUserNamespace(): boolean {
  return !/^\s*0\s+0\s+4294967295\s*$/.test(systemReader.read('/proc/self/uid_map') ?? '0 0 4294967295');
}

/** Not the host's root: also an engine that is root of a user namespace of its own (podman), which runc too tells by the user's name. */
export function isOfOrdinaryUser(): boolean {
  return isOrdinaryUser() || (isInUserNamespace() && host.environment()['USER'] !== 'root');
}

/** What kind of launcher the caller has. @param beside of an ordinary user: a process of a container that is there already */
export function launcherWords(beside: number | undefined): string[] {
  if (isOrdinaryUser()) return ['attached', 'rootless', ...(beside === undefined ? [] : [`beside=${beside}`])];
  return isInUserNamespace() ? ['attached', 'rootless', 'inside'] : ['attached'];
}

/** Of a launcher that waits for them. */
export function mapLauncher(pid: number): void {
  for (const kind of kinds()) {
    const words = [pid, ...launcherMap(kind).flatMap(({ containerID, hostID, size }) => [containerID, hostID, size])].map(String);
    const { status, output } = host.runProgram(programPath(kind.program), '/', [kind.program, ...words], [], new Uint8Array(), patienceMs, []);
    if (status !== 0) throw new RuntimeError(`${kind.program} did not map the user's subordinate ids: ${output.trim()}`);
  }
}

function programPath(name: string): string {
  const folders = (host.environment()['PATH'] ?? '/usr/bin:/bin').split(':');
  const path = folders.map((folder) => `${folder}/${name}`).find((each) => isExecutable(each));
  if (path === undefined) throw new RuntimeError(`${name} is not in PATH: without it an ordinary user has no ids for containers; the package is called uidmap`);
  return path;
}

/** As newuidmap(1) is told: the ids of the launcher's namespace, and which of the host's they are. */
function launcherMap({ file, own }: Kind): readonly IdMapping[] {
  const { start, size } = subordinateRange(file);
  return [{ containerID: 0, hostID: own, size: 1 }, { containerID: 1, hostID: start, size }];
}

function subordinateRange(file: string): IdRange {
  const { uid } = host.ids();
  const [name = String(uid)] = (systemReader.read('/etc/passwd') ?? '').split('\n').find((line) => line.split(':')[2] === String(uid))?.split(':') ?? [];
  const [range] = subordinateRanges(systemReader.read(file) ?? '', { name, uid });
  if (range === undefined) throw new RuntimeError(`the user '${name}' has no subordinate ids in '${file}' (as root: usermod --add-subuids 100000-165535 --add-subgids 100000-165535 ${name})`);
  return range;
}

/** The same container, as the launcher counts ids. @throws RuntimeError for what an ordinary user's cannot be */
export function asLauncherCounts(spec: Spec): Spec {
  if (!isOrdinaryUser()) return spec;
  const { linux } = spec;
  if (linux?.namespaces?.some(({ type }) => type === 'user') !== true) throw new RuntimeError('rootless container requires user namespaces');
  return { ...spec, linux: { ...linux, ...translated(linux) } };
}

function translated(linux: Linux): Pick<Linux, 'uidMappings' | 'gidMappings'> {
  const given = kinds().filter(({ field }) => linux[field] !== undefined);
  return Object.fromEntries(given.map((kind) => [kind.field, (linux[kind.field] ?? []).map((mapping) => translate(mapping, launcherMap(kind), kind))]));
}

/** The kernel takes a mapping only within one of those around it. */
function translate({ containerID, hostID, size }: IdMapping, outer: readonly IdMapping[], { field }: Kind): IdMapping {
  const around = outer.find((each) => hostID >= each.hostID && hostID + size <= each.hostID + each.size);
  if (around === undefined) throw new RuntimeError(`/linux/${field}: ids ${hostID} to ${hostID + size - 1} of the host are not the user's own, or not of one range of subordinate ids`);
  return { containerID, hostID: hostID - around.hostID + around.containerID, size };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
