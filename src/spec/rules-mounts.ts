/** config.md, "Mounts"; "Valid values". What may be mounted over the kernel's own folder of processes: nothing that would pass for it (CVE-2019-16884, -2019-19921). */

import { isBind } from './bind.js';
import type { Faults } from './faults.js';
import { mountTarget, normalPath } from './inner-path.js';
import { show } from './quote.js';
import type { Mount } from './types.js';

/** What lxcfs and the like put over single files of /proc; runc's checkProcMount lets the same pass. */
const overProc = ['cpuinfo', 'diskstats', 'loadavg', 'meminfo', 'net/dev', 'slabinfo', 'stat', 'swaps', 'sys/crypto/fips_enabled', 'sys/kernel/ns_last_pid', 'uptime'].map((name) => `/proc/${name}`);

/** @param path as `normalPath` gives it */
export function checkProcTarget(path: string, field: string, faults: Faults): void {
  const isInProc = path === '/proc' || path.startsWith('/proc/');
  if (isInProc && !overProc.includes(path)) faults.add(field, `nothing can be mounted at ${show(path)}`, `below /proc only at ${overProc.join(', ')}`);
}

/** At /proc itself there may be a procfs: a new one, or the host's, as podman shows it to a container with the host's pids. */
export function checkMounts(mounts: readonly Mount[], faults: Faults): void {
  for (const [index, mount] of mounts.entries()) {
    const path = mountTarget(mount);
    const isProc = isBind(mount) ? normalPath(mount.source ?? '') === '/proc' : mount.type === 'proc';
    if (path !== '/proc' || !isProc) checkProcTarget(path, `/mounts/${index}/destination`, faults);
  }
}
