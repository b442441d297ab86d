/** What /proc says of a process, as the host sees it. */
import { readFileSync, readlinkSync } from 'node:fs';

export const namespaceFiles = { user: 'user', mount: 'mnt', pid: 'pid', network: 'net', ipc: 'ipc', uts: 'uts', cgroup: 'cgroup', time: 'time' } as const;

export type NamespaceKind = keyof typeof namespaceFiles;

/** The namespace's identity, such as `net:[4026531840]`. */
export function namespaceOf(pid: number | 'self', kind: NamespaceKind): string {
  return readlinkSync(namespacePath(pid, kind));
}

export function namespacePath(pid: number | 'self', kind: NamespaceKind): string {
  return `/proc/${pid}/ns/${namespaceFiles[kind]}`;
}

/** Kinds of namespaces that a process shares with this one. */
export function sharedWith(pid: number): NamespaceKind[] {
  return kinds.filter((kind) => namespaceOf(pid, kind) === namespaceOf('self', kind));
}

export const kinds: readonly NamespaceKind[] = ['user', 'mount', 'pid', 'network', 'ipc', 'uts', 'cgroup', 'time'];

/** Fields of /proc/<pid>/status by name; the text may come from inside a container as well. */
export function statusFields(status: string): Map<string, string> {
  return new Map(status.split('\n').flatMap((line) => {
    const [name, ...rest] = line.split(':');
    return name === undefined || rest.length === 0 ? [] : [[name, rest.join(':').trim()] as const];
  }));
}

export function statusOf(pid: number): Map<string, string> {
  return statusFields(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

/** `name value…` lines of a probe. */
export function answers(output: string): Map<string, string> {
  return new Map(output.trim().split('\n').map((line) => {
    const space = line.indexOf(' ');
    return space < 0 ? [line, ''] as const : [line.slice(0, space), line.slice(space + 1)] as const;
  }));
}

/** One line of mountinfo (proc_pid_mountinfo(5)). */
export interface MountLine {
  readonly root: string;
  readonly target: string;
  readonly options: readonly string[];
  /** `shared:N`, `master:N` …; empty for a private mount. */
  readonly propagation: readonly string[];
  readonly type: string;
  readonly source: string;
  readonly superOptions: readonly string[];
}

export function mountsOf(pid: number | 'self'): MountLine[] {
  return parseMounts(readFileSync(`/proc/${pid}/mountinfo`, 'utf8'));
}

export function parseMounts(text: string): MountLine[] {
  return text.trim().split('\n').map((line) => {
    const fields = line.split(' ');
    const dash = fields.indexOf('-');
    const [, , , root = '', target = '', options = ''] = fields;
    const [type = '', source = '', superOptions = ''] = fields.slice(dash + 1);
    return { root, target, options: options.split(','), propagation: fields.slice(6, dash), type, source, superOptions: superOptions.split(',') };
  });
}

/** The uppermost mount at a place. */
export function mountAt(mounts: readonly MountLine[], target: string): MountLine | undefined {
  return mounts.findLast((mount) => mount.target === target);
}
