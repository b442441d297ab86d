/** Which namespaces a container gets: new, shared with the host, or joined. */
import { joinedPath } from '../spec/namespaces.js';
import type { Linux, Namespace, NamespaceType } from '../spec/types.js';

/** CLONE_NEW* of clone(2). */
export const cloneFlags: Readonly<Record<NamespaceType, number>> = {
  mount: 0x0002_0000,
  cgroup: 0x0200_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  user: 0x1000_0000,
  pid: 0x2000_0000,
  network: 0x4000_0000,
  time: 0x80,
};

/** Where host paths are looked up the launcher is in the caller's mount namespace. */
const callersMounts = '/proc/self/ns/mnt';

export class Namespaces {
  readonly #listed: readonly Namespace[];
  readonly #fds: Readonly<Partial<Record<NamespaceType, number>>>;

  constructor(linux: Linux | undefined, fds: Readonly<Partial<Record<NamespaceType, number>>> = {}) {
    this.#listed = linux?.namespaces ?? [];
    this.#fds = fds;
  }

  /** Index in `linux.namespaces`, or -1. */
  indexOf(type: NamespaceType): number {
    return this.#listed.findIndex((each) => each.type === type);
  }

  path(type: NamespaceType): string | undefined {
    const listed = this.#listed.find((each) => each.type === type);
    return listed && joinedPath(listed);
  }

  isJoined(type: NamespaceType): boolean {
    return this.#fds[type] !== undefined || this.path(type) !== undefined;
  }

  isNew(type: NamespaceType): boolean {
    return !this.isJoined(type) && this.indexOf(type) >= 0;
  }

  /** Shared with whoever starts the container. */
  isShared(type: NamespaceType): boolean {
    return !this.isJoined(type) && !this.isNew(type);
  }

  field(type: NamespaceType): string {
    const index = this.indexOf(type);
    if (this.isShared(type)) return '/linux/namespaces';
    return index < 0 ? `extensions.namespaceFds.${type}` : `/linux/namespaces/${index}`;
  }

  /** Those that the launcher is not in, user first: it gives the right to join the others. Of mounts it has its own. */
  joined(): { type: NamespaceType; path: string | undefined }[] {
    const order: NamespaceType[] = ['user', 'pid', 'network', 'ipc', 'uts', 'cgroup', 'time', 'mount'];
    const shared = this.isShared('mount') ? callersMounts : undefined;
    return order.filter((type) => this.isJoined(type) || (type === 'mount' && shared !== undefined)).map((type) => ({ type, path: type === 'mount' ? (shared ?? this.path(type)) : this.path(type) }));
  }
}
