/** Network interfaces of the host that a container gets (config-linux.md, "Network Devices"). */
import { systemErrorName } from '../spec/errno.js';
import type { Linux } from '../spec/types.js';
import { host } from './platform/host.js';
import { RuntimeError } from './runtime-error.js';

export function moveInterfaces(devices: NonNullable<Linux['netDevices']>, pid: number): void {
  for (const [name, { name: newName = '' }] of Object.entries(devices)) {
    try {
      host.moveInterface(name, pid, newName);
    } catch (error) {
      if (!(error instanceof Error) || !('errno' in error) || typeof error.errno !== 'number') throw error;
      throw new RuntimeError(`the network interface ${name} cannot be moved into the container${newName === '' ? '' : ` as ${newName}`}: ${systemErrorName(error.errno)}`);
    }
  }
}
