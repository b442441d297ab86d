/** What this host can do, looked up once for each command that compiles a plan. */
import type { HostFacts } from '../host/facts.js';
import { probeHost } from '../host/probe.js';
import { isInUserNamespace } from './launcher-ids.js';
import { host } from './platform/host.js';

/** Nobody's number: what root of a user namespace cannot do on the host is what an ordinary user cannot. */
const noRoot = 65_534;

export function hostFacts(): HostFacts {
  return probeHost({ ...(isInUserNamespace() && { uid: noRoot }), native: { landlockAbi: () => host.landlockAbi(), deviceProgramProbe: () => host.deviceProgramProbe() } });
}
