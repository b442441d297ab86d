/** Other runtimes of this host, with the default profile as far as they can have it. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Seccomp, Spec } from '../src/index.js';
import { defaultSeccomp } from '../src/spec/seccomp-profile.js';
import type { Workspace } from './workspace.js';

export interface Peer {
  readonly name: string;
  readonly version: string;
  readonly command: readonly string[];
}

/** What their rows do not tell: said once under the table. */
export const peerNotes = [
  'crun and runc: the same namespaces but the user namespace, mounts, masks, limits, capabilities and seccomp list (one rule a call); the folder itself as root, without overlay or id map',
  'podman: with runc, an own storage, without network, pids limit and log; systemd-nspawn: --volatile=overlay, private network, without registration',
  'bwrap: all namespaces, proc, dev and the same seccomp filter; no cgroup, masks or limits',
];

export function installedPeers(workspace: Workspace, spec: Spec, arch: 'x64' | 'arm64'): Peer[] {
  const bundle = writeBundle(workspace, spec, arch, spec.process?.args ?? []);
  const oci = (name: string) => [name, '--root', workspace.stateOf(name), 'run', '--bundle', bundle, `tsrun-bench-${name}-#`];
  const commands: Readonly<Record<string, readonly string[]>> = { crun: oci('crun'), runc: oci('runc'), bwrap: bwrap(workspace), podman: podman(workspace), 'systemd-nspawn': nspawn(workspace) };
  return Object.entries(commands).flatMap(([name, command]) => {
    const version = versionOf(name);
    return version === undefined ? [] : [{ name, version, command }];
  });
}

function versionOf(name: string): string | undefined {
  const { status, stdout } = spawnSync(name, ['--version'], { encoding: 'utf8' });
  return status === 0 ? (/\d+(?:\.\d+)+[\w.+~-]*/.exec(stdout)?.[0] ?? 'unknown') : undefined;
}

/** One whose program is another than the spec's. */
export function writeBundle({ path, rootfs }: Workspace, spec: Spec, arch: 'x64' | 'arm64', args: readonly string[]): string {
  const bundle = join(path, `bundle-${args.join('-').replaceAll('/', '')}`);
  mkdirSync(bundle, { recursive: true });
  const text = JSON.stringify(peerSpec(withArgs(spec, args), rootfs, arch), (_key, value: unknown) => (typeof value === 'bigint' ? Number(value) : value), 2);
  writeFileSync(join(bundle, 'config.json'), text);
  return bundle;
}

function withArgs(spec: Spec, args: readonly string[]): Spec {
  return spec.process === undefined ? spec : { ...spec, process: { ...spec.process, args: [...args] } };
}

/**
 * The spec of a container that tsrun made, less what needs it: they would have to own the image's files to map its ids,
 * and device rules fail in crun 1.8.1 without CAP_SYS_RESOURCE (it raises RLIMIT_MEMLOCK).
 */
function peerSpec(spec: Spec, rootfs: string, arch: 'x64' | 'arm64'): Spec {
  const capabilities = spec.process?.capabilities?.bounding ?? [];
  const linux = {
    ...spec.linux,
    namespaces: (spec.linux?.namespaces ?? []).filter(({ type }) => type !== 'user'),
    seccomp: oneRuleForEachCall(defaultSeccomp({ arch, capabilities, userNamespace: false })),
  };
  delete linux.uidMappings;
  delete linux.gidMappings;
  delete linux.resources;
  delete linux.cgroupsPath;
  // The newest version that all of them read.
  return { ...spec, ociVersion: '1.0.2', root: { path: rootfs, readonly: false }, linux };
}

/** libseccomp, which both use, takes no second rule with another action; the first is the one that allows. */
function oneRuleForEachCall(profile: Seccomp): Seccomp {
  const seen = new Set<string>();
  const syscalls = (profile.syscalls ?? []).flatMap(({ names, action, errnoRet }) => {
    const fresh = names.filter((name) => !seen.has(name));
    for (const name of fresh) seen.add(name);
    return fresh.length === 0 ? [] : [{ names: fresh, action, ...(errnoRet === undefined ? {} : { errnoRet }) }];
  });
  return { ...profile, syscalls };
}

/** The filter comes as descriptor 3. */
function bwrap({ rootfs }: Workspace): string[] {
  const isolation = ['--unshare-all', '--unshare-user', '--new-session', '--die-with-parent', '--cap-drop', 'ALL', '--seccomp', '3'];
  const mounts = ['--ro-bind', rootfs, '/', '--proc', '/proc', '--dev', '/dev', '--mqueue', '/dev/mqueue', '--tmpfs', '/tmp'];
  return ['bwrap', ...isolation, ...mounts, '/bin/true'];
}

/** Its storage is on the tmpfs that goes with all that is mounted there. */
function podman({ path, rootfs }: Workspace): string[] {
  const state = ['--root', join(path, 'state/podman'), '--runroot', join(path, 'state/podman-run'), '--cgroup-manager', 'cgroupfs', '--events-backend', 'none', '--runtime', 'runc'];
  return ['podman', ...state, 'run', '--rm', '--network', 'none', '--pids-limit', '0', '--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024', '--log-driver', 'none', '--rootfs', `${rootfs}:O`, '/bin/true'];
}

function nspawn({ rootfs }: Workspace): string[] {
  const alone = ['--quiet', '--register=no', '--keep-unit', '--private-network', '--resolv-conf=off', '--timezone=off', '--as-pid2', '--volatile=overlay'];
  return ['systemd-nspawn', ...alone, '--machine=tsrun-bench-#', '--directory', rootfs, '/bin/true'];
}
