/** The capabilities of Linux 5.9 and later, by number (linux/capability.h): the index in the list is the kernel's number. */

export const capabilityNames = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_DAC_READ_SEARCH',
  'CAP_FOWNER',
  'CAP_FSETID',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_LINUX_IMMUTABLE',
  'CAP_NET_BIND_SERVICE',
  'CAP_NET_BROADCAST',
  'CAP_NET_ADMIN',
  'CAP_NET_RAW',
  'CAP_IPC_LOCK',
  'CAP_IPC_OWNER',
  'CAP_SYS_MODULE',
  'CAP_SYS_RAWIO',
  'CAP_SYS_CHROOT',
  'CAP_SYS_PTRACE',
  'CAP_SYS_PACCT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_BOOT',
  'CAP_SYS_NICE',
  'CAP_SYS_RESOURCE',
  'CAP_SYS_TIME',
  'CAP_SYS_TTY_CONFIG',
  'CAP_MKNOD',
  'CAP_LEASE',
  'CAP_AUDIT_WRITE',
  'CAP_AUDIT_CONTROL',
  'CAP_SETFCAP',
  'CAP_MAC_OVERRIDE',
  'CAP_MAC_ADMIN',
  'CAP_SYSLOG',
  'CAP_WAKE_ALARM',
  'CAP_BLOCK_SUSPEND',
  'CAP_AUDIT_READ',
  'CAP_PERFMON',
  'CAP_BPF',
  'CAP_CHECKPOINT_RESTORE',
] as const;

/** A capability by its full name. */
export type CapabilityName = (typeof capabilityNames)[number];

const numbers = new Map<string, number>(capabilityNames.map((name, index) => [name, index]));

/** The kernel's number of a capability, by its full name. */
export function capabilityNumber(name: string): number | undefined {
  return numbers.get(name);
}

/** The full name for any of docker's spellings: `net_admin`, `NET_ADMIN`, `CAP_NET_ADMIN`. */
export function readCapability(text: string): CapabilityName | undefined {
  const upper = text.toUpperCase();
  const index = numbers.get(upper.startsWith('CAP_') ? upper : `CAP_${upper}`);
  return index === undefined ? undefined : capabilityNames[index];
}
