/** `tsrun doctor` as data: what this host can and cannot do, what that costs, how to change it. The CLI prints it. */
import { capabilityFindings } from './doctor-capabilities.js';
import { cgroupFindings } from './doctor-cgroup.js';
import type { DoctorFacts } from './doctor-facts.js';
import { kernelFindings } from './doctor-kernel.js';
import { networkFindings } from './doctor-network.js';
import { storageFindings } from './doctor-storage.js';
import { userFindings } from './doctor-user.js';
import type { HostFacts } from './facts.js';
import type { Finding } from './finding.js';

export type { Finding } from './finding.js';

/**
 * Pure: what the facts say of this host, in the order in which a person should read it: what everything else rests on comes
 * first. `examineHost` gathers the facts as well.
 */
export function diagnose(host: HostFacts, more: DoctorFacts): Finding[] {
  return [
    ...kernelFindings(host),
    ...cgroupFindings(host, more.pressure),
    ...userFindings(host, more),
    ...storageFindings(host, more),
    ...networkFindings(host, more.network),
    ...capabilityFindings(host),
  ];
}
