/** crun's `run.oci.*` annotations: those that are done here, and those that nobody may take for done. */
import type { Hooks, Seccomp, Spec } from '../spec/types.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

const prefix = 'run.oci.';

/** Who asks for one of them counts on a wall, or on a virtual machine. */
const refused: Readonly<Record<string, string>> = {
  handler: 'a container here is a process of the host\'s kernel',
  seccomp_bpf_data: 'a filter is made from linux.seccomp alone',
  'seccomp.plugins': 'calls are answered by whoever listens at linux.seccomp.listenerPath',
};

interface Annotations {
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** With what the annotations say of fields of the spec. */
export function withAnnotations(spec: Spec): Spec {
  for (const [name, why] of Object.entries(refused)) {
    if (valueOf(spec, name) !== undefined) throw new RuntimeError(`annotation ${prefix}${name} is not done: ${why}`);
  }
  for (const name of ['delegate-cgroup', 'systemd.subgroup']) checkCgroupName(spec, name);
  const { linux } = spec;
  if (linux?.seccomp === undefined) return spec;
  return { ...spec, linux: { ...linux, seccomp: withReceiver(linux.seccomp, spec) } };
}

/** `listenerPath` is what became of it. */
function withReceiver(seccomp: Seccomp, spec: Spec): Seccomp {
  const receiver = valueOf(spec, 'seccomp.receiver') ?? host.environment()['RUN_OCI_SECCOMP_RECEIVER'];
  if (receiver === undefined || (seccomp.listenerPath ?? '') !== '') return seccomp;
  if (!receiver.startsWith('/')) throw new RuntimeError(`the seccomp receiver ${JSON.stringify(receiver)} is not an absolute path`);
  return { ...seccomp, listenerPath: receiver };
}

/** The caller's supplementary groups are the program's (podman's `--group-add keep-groups`). */
export function keepsGroups(spec: Annotations): boolean {
  return isOn(spec, 'keep_original_groups');
}

/** A call that the profile names and libseccomp does not know is an error; a rule that does what the default does is none, as with crun. */
export function knowsAllCalls(spec: Annotations): boolean {
  return isOn(spec, 'seccomp_fail_unknown_syscall');
}

/** Who is sent a pidfd, as by `--pidfd-socket`. */
export function pidfdReceiver(spec: Annotations): string | undefined {
  return valueOf(spec, 'pidfd_receiver');
}

/** The cgroup below the container's in which its processes live. */
export function delegatedCgroup(spec: Annotations): string | undefined {
  return givenName(spec, 'delegate-cgroup');
}

/** The cgroup below systemd's scope that is the container's. With crun it is called `container` where nobody says; with runc, and here, it is the scope then. */
export function systemdSubgroup(spec: Annotations): string | undefined {
  return givenName(spec, 'systemd.subgroup');
}

function givenName(spec: Annotations, annotation: string): string | undefined {
  const name = valueOf(spec, annotation);
  return name === '' ? undefined : name;
}

/** crun takes a path as well, which nobody needs: what is below belongs to the container. */
function checkCgroupName(spec: Annotations, annotation: string): void {
  const name = givenName(spec, annotation);
  if (name === undefined || (!name.includes('/') && name !== '.' && name !== '..')) return;
  throw new RuntimeError(`annotation ${prefix}${annotation}: ${JSON.stringify(name)} is not the name of one cgroup`);
}

/** Files that hooks print into; none where there are no hooks. */
export function hookOutputFiles(spec: Annotations & { readonly hooks?: Hooks | undefined }): { readonly stdout?: string | undefined; readonly stderr?: string | undefined } {
  return spec.hooks === undefined ? {} : { stdout: valueOf(spec, 'hooks.stdout'), stderr: valueOf(spec, 'hooks.stderr') };
}

function isOn(spec: Annotations, name: string): boolean {
  return (valueOf(spec, name) ?? '0') !== '0';
}

function valueOf({ annotations = {} }: Annotations, name: string): string | undefined {
  return annotations[`${prefix}${name}`];
}
