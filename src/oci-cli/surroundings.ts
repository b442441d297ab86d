/** What this host can do, looked up once for each command that compiles a plan. */
import type { HostFacts } from '../host/facts.js';
import { probeHost } from '../host/probe.js';
import { host } from './platform/host.js';

export function hostFacts(): HostFacts {
  return probeHost({ native: { landlockAbi: () => host.landlockAbi(), deviceProgramProbe: () => host.deviceProgramProbe() } });
}
