/**
 * What this build can do on this host (features.md of the runtime-spec). Names come from the tables that plans are compiled by; whether
 * one is held is found out by compiling a plan with it, so that nothing is told of that `create` would refuse.
 */
import { fileSystemWords } from '../plan/mount-data.js';
import { knownMountWords } from '../plan/mount-options.js';
import { cloneFlags } from '../plan/namespaces.js';
import { capabilityNames } from '../spec/capabilities.js';
import { ociVersion } from '../spec/defaults.js';
import { hooksShape, memoryPolicyFlagNames, memoryPolicyModeNames, seccompActionNames, seccompArchNames, seccompOperatorsNames } from '../spec/schema.generated.js';
import { seccompFilterFlags } from '../spec/seccomp-flags.js';
import type { Linux, Mount, Seccomp, SeccompAction, Spec } from '../spec/types.js';
import { HeldFields } from './held-fields.js';
import { host } from './platform/host.js';
import { hostFacts } from './surroundings.js';

/** Words of other runtimes, looked for beside the tables' own. */
const wordsOfOthers = ['copy-symlink', 'dest-nofollow', 'iversion', 'remount', 'silent', 'src-nofollow', 'tmpcopyup'];

/** SECCOMP_FILTER_FLAG_NEW_LISTENER, without which the kernel does not take this one (seccomp(2)). */
const newListener = 8;

export function describeFeatures(): Readonly<Record<string, unknown>> {
  const held = new HeldFields(hostFacts());
  return {
    ociVersionMin: '1.0.0',
    ociVersionMax: ociVersion,
    hooks: hooksShape.fields.filter((name) => held.has({ hooks: { [name]: [{ path: '/bin/true' }] } })),
    mountOptions: mountOptions(held),
    linux: linuxFeatures(held),
    potentiallyUnsafeConfigAnnotations: ['org.systemd.property.', 'run.oci.'],
    annotations: { 'io.github.seccomp.libseccomp.version': host.seccompVersion() },
  };
}

function mountOptions(held: HeldFields): string[] {
  const isHeld = (word: string) => [bindWith(word), tmpfsWith(word)].some((mount) => held.has({ mounts: [mount] }));
  return [...new Set([...knownMountWords, ...fileSystemWords, ...wordsOfOthers])].filter(isHeld).sort();
}

function bindWith(word: string): Mount {
  return { destination: '/mnt', source: '/', options: ['bind', word] };
}

function tmpfsWith(word: string): Mount {
  return { destination: '/mnt', type: 'tmpfs', source: 'tmpfs', options: [word] };
}

function linuxFeatures(held: HeldFields): unknown {
  const hasLinux = (linux: Linux) => held.has({ linux });
  const process = (field: Partial<NonNullable<Spec['process']>>) => held.has({ process: { ...held.process, ...field } });
  return {
    namespaces: Object.keys(cloneFlags).sort(),
    capabilities: [...capabilityNames],
    cgroup: { v1: false, v2: true, systemd: true, systemdUser: true, rdma: true },
    seccomp: seccompFeatures(held),
    apparmor: { enabled: true },
    selinux: { enabled: process({ selinuxLabel: 'system_u:system_r:container_t:s0' }) },
    ...(hasLinux({ memoryPolicy: { mode: 'MPOL_LOCAL' } }) && { memoryPolicy: { modes: [...memoryPolicyModeNames], flags: [...memoryPolicyFlagNames] } }),
    intelRdt: { enabled: hasLinux({ intelRdt: { closID: 'one' } }), schemata: hasLinux({ intelRdt: { closID: 'one', schemata: ['L3:0=f'] } }), monitoring: hasLinux({ intelRdt: { closID: 'one', enableMonitoring: true } }) },
    mountExtensions: { idmap: { enabled: held.has({ mounts: [bindWith('idmap')] }) } },
    netDevices: { enabled: hasLinux({ netDevices: { eth0: {} } }) },
  };
}

function filterWith(action: SeccompAction): Seccomp {
  return { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['getppid'], action }], ...(action === 'SCMP_ACT_NOTIFY' && { listenerPath: '/listener' }) };
}

function seccompFeatures(held: HeldFields): unknown {
  const flags = [...seccompFilterFlags];
  const works = (flag: number) => host.seccompFlagWorks(flag) || host.seccompFlagWorks(flag | newListener);
  return {
    enabled: true,
    actions: seccompActionNames.filter((action) => held.has({ linux: { seccomp: filterWith(action) } })),
    operators: [...seccompOperatorsNames],
    archs: seccompArchNames.filter((name) => host.seccompArchitecture(name.replace(/^SCMP_ARCH_/, '').toLowerCase())),
    knownFlags: flags.map(([name]) => name),
    supportedFlags: flags.filter(([, flag]) => works(flag)).map(([name]) => name),
  };
}
