import { capabilityNames } from '../spec/capabilities.js';

/** Names of the bits of a `CapEff:` mask (proc_pid_status(5)); a bit newer than the list is `CAP_<number>`. */
export function decodeCapabilities(hexMask: string): string[] {
  let mask = BigInt(`0x${hexMask}`);
  const held: string[] = [];
  for (let bit = 0; mask > 0n; bit++, mask >>= 1n) {
    if ((mask & 1n) === 1n) held.push(capabilityNames[bit] ?? `CAP_${bit}`);
  }
  return held;
}

/** Of a process, by its /proc/PID/status. */
export function effectiveCapabilities(status: string): string[] {
  return decodeCapabilities(/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0');
}
