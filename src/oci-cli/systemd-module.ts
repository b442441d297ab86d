/** The driver for systemd, which is a module of its own: only commands at a container that has a unit load it. */
import type { LimitHost } from '../cgroup/limits.js';
import type { HostFacts } from '../host/facts.js';
import type { Resources, Spec } from '../spec/types.js';
import type { CgroupPlace } from './cgroup-place.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

export interface SystemdModule {
  /** @throws RuntimeError where systemd does not run, or cgroupsPath names no unit */
  placeOf(spec: Spec, id: string, facts: HostFacts): CgroupPlace;
  /** With all that lives in it; one that is not there is no error. */
  stop(unit: string): void;
  /** As systemd keeps them. */
  exactResources(resources: Resources): Resources;
  /** Tells it of what was written to the files of the cgroup. */
  changeLimits(unit: string, resources: Resources, facts: LimitHost): void;
}

let loaded: SystemdModule | undefined;

/** The module calls this once. */
export function provideSystemd(module: SystemdModule): void {
  loaded = module;
}

export function systemd(): SystemdModule {
  if (loaded === undefined) host.loadModule('systemd-main.js');
  if (loaded === undefined) throw new RuntimeError('the driver for systemd is not there');
  return loaded;
}
