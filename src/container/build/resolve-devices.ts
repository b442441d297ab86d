/** Devices that were asked for, looked up on the host. */

import { statSync, type BigIntStats } from 'node:fs';
import { join, posix } from 'node:path';
import { largeLstat, largeStat, readdir } from '../../host/files.js';
import { TsrunError } from '../../spec/errors.js';
import { normalPath } from '../../spec/inner-path.js';
import { show } from '../../spec/quote.js';
import type { Device } from '../../spec/types.js';
import type { DeviceOption, RunOptions } from '../options/options.js';

export interface ResolvedDevice {
  /** Where it lies on the host. */
  readonly source: string;
  readonly device: Device & { readonly type: 'c' | 'b'; readonly major: number; readonly minor: number };
  /** Of `r`, `w`, `m`, in this order. */
  readonly access: string;
}

/** A folder such as /dev/snd has a dozen; more are a mistake. */
const mostDevices = 1024;
const deepest = 4;

/** In the container they are the runtime's own: its terminals, its shared memory, what it puts into each /dev. */
const ownOfContainer = new Set(['console', 'core', 'fd', 'full', 'mqueue', 'null', 'ptmx', 'pts', 'random', 'shm', 'stderr', 'stdin', 'stdout', 'tty', 'urandom', 'zero']);

/**
 * A folder stands for every device in it, as docker has it. With `privileged` and the host's user namespace all of /dev
 * comes along; in a user namespace of its own the container could not open them.
 *
 * @throws ERR_TSRUN_INVALID_ARGUMENT
 */
export async function resolveDevices({ devices = [], privileged, namespaces }: RunOptions): Promise<ResolvedDevice[]> {
  const found = new Map<string, ResolvedDevice>();
  const accesses = new Map<string, string>();
  if (privileged === true && namespaces?.user === 'host') for (const each of await hostDevices('/dev')) found.set(each.device.path, each);
  for (const [index, option] of devices.entries()) {
    for (const each of await resolveDevice(option, `/devices/${index}/source`, privileged === true ? 'rwm' : 'rw')) {
      checkOneAccess(each, accesses, `/devices/${index}/access`);
      found.set(each.device.path, each);
    }
  }
  return [...found.values()];
}

/** The kernel knows devices by number (devices.rst of cgroup-v1): under another name there is no other access. */
function checkOneAccess({ source, access, device: { type, major, minor } }: ResolvedDevice, accesses: Map<string, string>, field: string): void {
  const number = `${type} ${major}:${minor}`;
  const before = accesses.get(number) ?? access;
  if (before !== access) throw fault(`${show(source)} (${number}) is given as ${access}, and before as ${before}`, field, 'a device has one access, whatever names it has');
  accesses.set(number, access);
}

/** Every device below a folder that is not the container's own anyway. */
export async function hostDevices(folder: string): Promise<ResolvedDevice[]> {
  const names = (await readdir(folder)).filter((name) => !ownOfContainer.has(name));
  const found = await Promise.all(names.map((name) => inFolder(join(folder, name), posix.join('/dev', name), 'rwm', 1)));
  return found.flat();
}

/** What lies on the host where a bundle wants its devices; by `normalPath`, and links are followed as open_tree(2) does. */
export function hostNodesOf(devices: readonly Device[]): ReadonlyMap<string, Device> {
  const found = new Map<string, Device>();
  for (const path of devices.map((device) => normalPath(device.path))) {
    const status = lookAt(path);
    const device = status === undefined ? undefined : nodeOf(status, path, path, '')?.device;
    if (device !== undefined) found.set(path, device);
  }
  return found;
}

function lookAt(path: string): BigIntStats | undefined {
  try {
    return statSync(path, { bigint: true });
  } catch {
    return undefined;
  }
}

async function resolveDevice({ source, destination = source, access: given }: DeviceOption, field: string, otherwise: string): Promise<ResolvedDevice[]> {
  const access = inOrder(given ?? otherwise);
  let status: BigIntStats;
  try {
    status = await largeStat(source);
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause);
    throw fault(reason === 'ENOENT' ? `device ${show(source)} does not exist` : `device ${show(source)}: ${reason}`, field, 'ls -l /dev shows what there is');
  }
  const path = normalPath(destination);
  if (!status.isDirectory()) {
    const device = nodeOf(status, source, path, access);
    if (device === undefined) throw fault(`${show(source)} is not a device`, field, 'a file or folder is given with --volume');
    return [device];
  }
  const devices = await inFolder(source, path, access, 0);
  if (devices.length === 0) throw fault(`there is no device in the folder ${show(source)}`, field, 'name a device');
  if (devices.length > mostDevices) throw fault(`the folder ${show(source)} holds more than ${mostDevices} devices`, field, 'name the devices');
  return devices;
}

function inOrder(access: string): string {
  return ['r', 'w', 'm'].filter((letter) => access.includes(letter)).join('');
}

/** Links are left out: what they lead to is found where it is. */
async function inFolder(source: string, destination: string, access: string, depth: number): Promise<ResolvedDevice[]> {
  const status = await largeLstat(source).catch(() => undefined);
  if (status === undefined) return [];
  if (status.isDirectory() && depth < deepest) {
    const names = (await readdir(source)).slice(0, mostDevices + 1);
    const found = await Promise.all(names.map((name) => inFolder(join(source, name), posix.join(destination, name), access, depth + 1)));
    return found.flat();
  }
  const device = nodeOf(status, source, destination, access);
  return device === undefined ? [] : [device];
}

function nodeOf(status: BigIntStats, source: string, path: string, access: string): ResolvedDevice | undefined {
  const type = status.isCharacterDevice() ? 'c' : status.isBlockDevice() ? 'b' : undefined;
  if (type === undefined) return undefined;
  const device = { type, path, ...numbers(status.rdev), fileMode: Number(status.mode & 0o777n), uid: Number(status.uid), gid: Number(status.gid) } as const;
  return { source, device, access };
}

/** makedev(3): both numbers are split over the 64 bits. */
function numbers(rdev: bigint): { readonly major: number; readonly minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
  return { major: Number(major), minor: Number(minor) };
}

function fault(message: string, field: string, hint: string): TsrunError {
  return new TsrunError('ERR_TSRUN_INVALID_ARGUMENT', message, { field, hint });
}
