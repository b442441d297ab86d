/** Rules for devices, resources and seccomp that one field alone does not show. Sections are those of config-linux.md. */

import { maxErrno } from './errno.js';
import type { Faults } from './faults.js';
import { pointer } from './quote.js';
import { notifies } from './seccomp-flags.js';
import type { Device, Linux, Resources, Seccomp } from './types.js';

/** stat.h, S_IFMT and its values for the four types. */
const typeBits = 0o170000;
const bitsOf = { c: 0o020000, u: 0o020000, b: 0o060000, p: 0o010000 };

export function checkLinux({ devices = [], resources, seccomp }: Linux, faults: Faults): void {
  devices.forEach((device, index) => {
    checkDevice(device, `/linux/devices/${index}`, faults);
  });
  if (resources !== undefined) checkResources(resources, '/linux/resources', faults);
  if (seccomp !== undefined) checkSeccomp(seccomp, '/linux/seccomp', faults);
}

/** "Devices": numbers are required but for a pipe. */
function checkDevice(device: Device, at: string, faults: Faults): void {
  for (const name of ['major', 'minor'] as const) {
    if (device.type !== 'p' && device[name] === undefined) faults.expected(`${at}/${name}`, `a number, as type is "${device.type}"`, undefined);
  }
  const bits = (device.fileMode ?? 0) & typeBits;
  if (bits !== 0 && bits !== bitsOf[device.type]) faults.expected(`${at}/fileMode`, `permissions of type "${device.type}"`, device.fileMode);
}

export function checkResources({ memory = {}, cpu = {}, blockIO, rdma = {} }: Resources, at: string, faults: Faults): void {
  // "Memory": swap counts both.
  const { limit = 0, swap = 0 } = memory;
  if (limit > 0 && swap > 0 && swap < limit) {
    faults.expected(`${at}/memory/swap`, `at least memory.limit (${limit}), as it counts memory and swap together`, swap);
  }
  // "CPU".
  const { quota = 0, burst = 0 } = cpu;
  if (quota > 0 && burst > quota) faults.expected(`${at}/cpu/burst`, `at most cpu.quota (${quota})`, burst);
  // "Block IO".
  blockIO?.weightDevice?.forEach(({ weight, leafWeight }, index) => {
    if (weight === undefined && leafWeight === undefined) faults.add(`${at}/blockIO/weightDevice/${index}`, 'needs weight or leafWeight');
  });
  // "RDMA".
  for (const [device, { hcaHandles, hcaObjects } = {}] of Object.entries(rdma)) {
    if (hcaHandles === undefined && hcaObjects === undefined) faults.add(pointer(`${at}/rdma`, device), 'needs hcaHandles or hcaObjects');
  }
}

/** "Seccomp". */
export function checkSeccomp(seccomp: Seccomp, at: string, faults: Faults): void {
  const { listenerMetadata, listenerPath, defaultAction, defaultErrnoRet, flags = [], syscalls = [] } = seccomp;
  if (listenerMetadata && !listenerPath) faults.add(`${at}/listenerMetadata`, 'needs listenerPath beside it');
  flags.forEach((flag, index) => {
    // seccomp(2): EINVAL without SECCOMP_FILTER_FLAG_NEW_LISTENER.
    if (flag === 'SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV' && !notifies(seccomp)) faults.add(`${at}/flags/${index}`, `${flag} needs a rule with SCMP_ACT_NOTIFY beside it`);
  });
  checkErrno(defaultAction, defaultErrnoRet, `${at}/defaultErrnoRet`, faults);
  syscalls.forEach(({ action, errnoRet }, index) => {
    checkErrno(action, errnoRet, `${at}/syscalls/${index}/errnoRet`, faults);
  });
}

/** "Seccomp": an error where the action takes no errno. seccomp(2): an error number ends, a tracer's message has all 16 bits, other actions carry no number. */
function checkErrno(action: string, errno: number | undefined, field: string, faults: Faults): void {
  if (errno === undefined || action === 'SCMP_ACT_TRACE') return;
  if (action !== 'SCMP_ACT_ERRNO') faults.expected(field, `no error number, as ${action} does not return one`, errno);
  else if (errno > maxErrno) faults.expected(field, `an error number from 0 to ${maxErrno}`, errno);
}
