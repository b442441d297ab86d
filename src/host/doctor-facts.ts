/** What `tsrun doctor` looks at beyond HostFacts. Not for the hot path: it tries mounts and searches folders. */
import { userInfo } from 'node:os';
import { dirname, join } from 'node:path';
import { subordinateRanges, type IdRange } from './id-ranges.js';
import { readInteger, systemReader, type HostReader } from './reader.js';

/** Tries an id-mapped mount of a folder; the addon gives it. `errno` is the name, e.g. `EINVAL`. */
export type IdmapProbe = (path: string) => { readonly ok: true } | { readonly ok: false; readonly errno: string };

/** A folder of which `doctor` is to say whether images may lie there. */
export interface FolderToCheck {
  /** What the folder is for, e.g. `state root`, `images`. */
  readonly label: string;
  /** Absolute. */
  readonly path: string;
}

/** What is known of a folder. */
export interface FolderFacts extends FolderToCheck {
  /** The folder itself, or the nearest one above it that exists. */
  readonly existing: string;
  /** Magic number of the file system. */
  readonly fsType: number | undefined;
  /** Absent when nobody could try. */
  readonly idmap?: ReturnType<IdmapProbe>;
}

/** What `diagnose` looks at beside `HostFacts`. */
export interface DoctorFacts {
  /** Where the runtime keeps its state, e.g. `/run/tsrun`. */
  readonly stateRoot: FolderFacts;
  /** Those where images may lie. */
  readonly folders: readonly FolderFacts[];
  /** Who may make user namespaces here. */
  readonly userNamespaces: UserNamespaceFacts;
  /** Ids that an ordinary user may give to containers. */
  readonly subordinate: SubordinateFacts;
  /** Pressure files (/proc/pressure) exist. */
  readonly pressure: boolean;
  /** What the network `user` takes. */
  readonly network: NetworkFacts;
}

/** What the network `user` takes. */
export interface NetworkFacts {
  /** /dev/net/tun: whether the caller may open it. */
  readonly tun: 'writable' | 'refused' | 'absent';
  /** Paths of programs that make it, the better one first: pasta, slirp4netns. */
  readonly makers: readonly string[];
  /** Path of the program that holds it to what may be reached. */
  readonly nft: string | undefined;
}

/** What lets or keeps users from making user namespaces. */
export interface UserNamespaceFacts {
  /** user.max_user_namespaces; 0 = nobody. */
  readonly max: number | undefined;
  /** Debian's kernel.unprivileged_userns_clone. */
  readonly unprivilegedClone: number | undefined;
  /** Ubuntu's kernel.apparmor_restrict_unprivileged_userns; 1 = without capabilities. */
  readonly apparmorRestricts: number | undefined;
  /** The caller is itself in a user namespace. */
  readonly nested: boolean;
  /** The file that tells that the caller runs in a container. */
  readonly containerMark: string | undefined;
}

/** Ranges of subordinate ids (subuid(5)), and the programs that map them. */
export interface SubordinateFacts {
  /** By whose name they were looked up. */
  readonly user: string;
  /** From /etc/subuid. */
  readonly uids: readonly IdRange[];
  /** From /etc/subgid. */
  readonly gids: readonly IdRange[];
  /** Path of the program; undefined where it is not installed (Debian: package uidmap). */
  readonly newuidmap: string | undefined;
  /** The same for groups. */
  readonly newgidmap: string | undefined;
}

/** Where to look; what is left out is the real host. */
export interface DoctorOptions {
  /** Where runtime state lies. */
  readonly stateRoot: string;
  /** Where images may lie. */
  readonly folders?: readonly FolderToCheck[];
  /** Tries an id-mapped mount; absent: nobody tries. */
  readonly idmap?: IdmapProbe;
  /** What reads files; for tests another host. */
  readonly reader?: HostReader;
  /** Whose subordinate ids to look up. Default: the caller. */
  readonly user?: { readonly name: string; readonly uid: number };
  /** Default: the environment's PATH and the usual folders. */
  readonly searchPath?: readonly string[];
}

const containerMarks = ['/run/.containerenv', '/.dockerenv', '/run/systemd/container'];
const usualFolders = ['/usr/bin', '/bin', '/usr/local/bin', '/usr/sbin', '/sbin'];

/** Looks at what `diagnose` needs beside the host's facts. Reads files, and tries id-mapped mounts where it is given a probe. */
export function gatherDoctorFacts(options: DoctorOptions): DoctorFacts {
  const reader = options.reader ?? systemReader;
  return {
    // No image lies there, so that nothing there is ever id-mapped.
    stateRoot: folderFacts({ label: 'state root', path: options.stateRoot }, reader, undefined),
    folders: (options.folders ?? []).map((folder) => folderFacts(folder, reader, options.idmap)),
    userNamespaces: userNamespaceFacts(reader),
    subordinate: subordinateFacts(reader, options),
    pressure: reader.exists('/proc/pressure/memory'),
    network: networkFacts(reader, options),
  };
}

function networkFacts(reader: HostReader, options: DoctorOptions): NetworkFacts {
  const [device, find] = ['/dev/net/tun', programFinder(reader, options)];
  return {
    tun: reader.writable(device) ? 'writable' : reader.exists(device) ? 'refused' : 'absent',
    makers: ['pasta', 'slirp4netns'].map(find).filter((path) => path !== undefined),
    nft: find('nft'),
  };
}

function programFinder(reader: HostReader, { searchPath }: DoctorOptions): (name: string) => string | undefined {
  const search = searchPath ?? [...(process.env['PATH'] ?? '').split(':'), ...usualFolders];
  return (name) => search.filter((entry) => entry.startsWith('/')).map((entry) => join(entry, name)).find((path) => reader.exists(path));
}

function folderFacts(candidate: FolderToCheck, reader: HostReader, idmap: IdmapProbe | undefined): FolderFacts {
  let existing = candidate.path;
  while (existing !== dirname(existing) && !reader.exists(existing)) existing = dirname(existing);
  const facts = { ...candidate, existing, fsType: reader.fsType(existing) };
  return idmap === undefined ? facts : { ...facts, idmap: idmap(existing) };
}

function userNamespaceFacts(reader: HostReader): UserNamespaceFacts {
  return {
    max: readInteger(reader, '/proc/sys/user/max_user_namespaces'),
    unprivilegedClone: readInteger(reader, '/proc/sys/kernel/unprivileged_userns_clone'),
    apparmorRestricts: readInteger(reader, '/proc/sys/kernel/apparmor_restrict_unprivileged_userns'),
    // the initial namespace maps every id to itself
    nested: !/^\s*0\s+0\s+4294967295\s*$/.test(reader.read('/proc/self/uid_map') ?? ''),
    containerMark: containerMarks.find((path) => reader.exists(path)),
  };
}

function subordinateFacts(reader: HostReader, options: DoctorOptions): SubordinateFacts {
  const user = options.user ?? currentUser();
  const find = programFinder(reader, options);
  return {
    user: user.name,
    uids: subordinateRanges(reader.read('/etc/subuid') ?? '', user),
    gids: subordinateRanges(reader.read('/etc/subgid') ?? '', user),
    newuidmap: find('newuidmap'),
    newgidmap: find('newgidmap'),
  };
}

/** A user without a passwd entry makes userInfo throw. */
function currentUser(): { name: string; uid: number } {
  try {
    const { username, uid } = userInfo();
    return { name: username, uid };
  } catch {
    const uid = process.geteuid?.() ?? 0;
    return { name: String(uid), uid };
  }
}
