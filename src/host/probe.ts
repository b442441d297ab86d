/**
 * What this host can do. Runs once for each Runtime.open, so it reads a dozen small files and starts nothing; what costs
 * more (trying mounts, looking for helpers) belongs to `doctor-facts.ts`.
 */
import { release as osRelease } from 'node:os';
import { TsrunError } from '../spec/errors.js';
import { effectiveCapabilities } from './decode-capabilities.js';
import type { HostFacts, KernelSupport } from './facts.js';
import { probeCgroup } from './probe-cgroup.js';
import { readInteger, systemReader, type HostReader } from './reader.js';

/** What only a system call can tell; the addon gives it. */
export interface NativeProbe {
  /** landlock_create_ruleset(2) with LANDLOCK_CREATE_RULESET_VERSION; 0 = none. */
  landlockAbi(): number;
  /** 0, or the errno with which the kernel refuses to load a program that holds device rules. */
  deviceProgramProbe(): number;
}

/** Everything but `native` is for tests that invent a host. */
export interface ProbeOptions {
  readonly native?: NativeProbe;
  readonly reader?: HostReader;
  readonly release?: string;
  readonly arch?: string;
  readonly uid?: number;
  readonly gid?: number;
}

/** Auxiliary vector type of the page size, getauxval(3). */
const AT_PAGESZ = 6n;
const DEFAULT_PAGE_BYTES = 4096;
/** CAP_CHECKPOINT_RESTORE, the last one of every kernel from 5.9 on. */
const DEFAULT_LAST_CAPABILITY = 40;

export function probeHost(options: ProbeOptions = {}): HostFacts {
  const reader = options.reader ?? systemReader;
  const uid = options.uid ?? process.geteuid?.() ?? 0;
  const arch = supportedArch(options.arch ?? process.arch);
  const kernel = parseKernel(options.release ?? osRelease());
  const status = reader.read('/proc/self/status') ?? '';
  const memory = reader.read('/proc/meminfo') ?? '';
  const onlineCpus = reader.read('/sys/devices/system/cpu/online')?.trim();
  return {
    kernel,
    arch,
    cgroup: probeCgroup(reader, uid),
    uid,
    gid: options.gid ?? process.getegid?.() ?? 0,
    capabilities: effectiveCapabilities(status),
    lastCapability: readInteger(reader, '/proc/sys/kernel/cap_last_cap') ?? DEFAULT_LAST_CAPABILITY,
    landlockAbi: options.native?.landlockAbi() ?? 0,
    cpuCount: onlineCpus === undefined ? 1 : parseCpuList(onlineCpus).size,
    ...(onlineCpus === undefined ? {} : { onlineCpus }),
    memoryBytes: meminfoBytes(memory, 'MemTotal'),
    swapBytes: meminfoBytes(memory, 'SwapTotal'),
    pageBytes: arch === 'x64' ? DEFAULT_PAGE_BYTES : pageBytes(reader),
    supports: { ...probeSupport(reader, kernel, uid, status), deviceProgram: loadsDevicePrograms(uid, options.native) },
  };
}

export function parseKernel(release: string): HostFacts['kernel'] {
  const match = /^(\d+)\.(\d+)/.exec(release);
  return { major: Number(match?.[1] ?? 0), minor: Number(match?.[2] ?? 0), release };
}

export function kernelAtLeast(kernel: HostFacts['kernel'], major: number, minor: number): boolean {
  return kernel.major > major || (kernel.major === major && kernel.minor >= minor);
}

/**
 * Whether a folder of the image can be removed or replaced in a disposable root. Overlayfs marks it in attributes of its upper
 * layer, an ordinary user's in `user.*`, which a tmpfs has from Linux 6.6 on; without them the program is told EIO.
 */
export function replacesFolders({ uid, kernel }: Pick<HostFacts, 'uid' | 'kernel'>): boolean {
  return uid === 0 || kernelAtLeast(kernel, 6, 6);
}

/** Numbers of a kernel list such as `0-3,8`. */
export function parseCpuList(list: string): Set<number> {
  const numbers = new Set<number>();
  for (const part of list.split(',')) {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part.trim());
    if (match === null) continue;
    const first = Number(match[1]);
    for (let cpu = first; cpu <= Number(match[2] ?? first); cpu++) numbers.add(cpu);
  }
  return numbers;
}

function probeSupport(reader: HostReader, kernel: HostFacts['kernel'], uid: number, status: string): Omit<KernelSupport, 'deviceProgram'> {
  return {
    overlay: hasOverlay(reader, kernel.release),
    userNamespaces: hasUserNamespaces(reader, uid),
    timeNamespaces: reader.exists('/proc/self/ns/time'),
    // the line is there only when the kernel can load filters, not just mode 1
    seccomp: /^Seccomp_filters:/m.test(status),
    selinux: reader.exists('/sys/fs/selinux/enforce'),
    apparmor: reader.read('/sys/module/apparmor/parameters/enabled')?.trim() === 'Y',
    overlayLayerFds: kernelAtLeast(kernel, 6, 15),
    idmappedTmpfs: kernelAtLeast(kernel, 6, 3),
  };
}

/** An ordinary user's launcher is in a user namespace of its own, where nobody may (bpf(2)). */
function loadsDevicePrograms(uid: number, native: NativeProbe | undefined): boolean {
  return uid === 0 && native?.deviceProgramProbe() === 0;
}

/** Distribution kernels have it as a module that the first mount loads, so it may not be in /proc/filesystems yet. */
function hasOverlay(reader: HostReader, release: string): boolean {
  if (/^nodev\toverlay$/m.test(reader.read('/proc/filesystems') ?? '')) return true;
  return ['', '.xz', '.zst', '.gz'].some((ending) =>
    reader.exists(`/lib/modules/${release}/kernel/fs/overlayfs/overlay.ko${ending}`),
  );
}

function hasUserNamespaces(reader: HostReader, uid: number): boolean {
  if (!reader.exists('/proc/self/ns/user') || readInteger(reader, '/proc/sys/user/max_user_namespaces') === 0) return false;
  if (uid === 0) return true;
  // Debian's and Ubuntu's own switches; with AppArmor's the namespace is made but holds no capability
  return (
    readInteger(reader, '/proc/sys/kernel/unprivileged_userns_clone') !== 0 &&
    readInteger(reader, '/proc/sys/kernel/apparmor_restrict_unprivileged_userns') !== 1
  );
}

function meminfoBytes(text: string, key: string): number {
  return Number(new RegExp(`^${key}:\\s*(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0) * 1024;
}

/** On arm64 pages are of 4, 16 or 64 KiB; Node does not tell, the auxiliary vector does. */
function pageBytes(reader: HostReader): number {
  const bytes = reader.readBytes('/proc/self/auxv');
  if (bytes === undefined) return DEFAULT_PAGE_BYTES;
  const vector = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let offset = 0; offset + 16 <= vector.byteLength; offset += 16) {
    if (vector.getBigUint64(offset, true) === AT_PAGESZ) return Number(vector.getBigUint64(offset + 8, true));
  }
  return DEFAULT_PAGE_BYTES;
}

function supportedArch(arch: string): HostFacts['arch'] {
  if (arch === 'x64' || arch === 'arm64') return arch;
  throw new TsrunError('ERR_TSRUN_HOST', `tsrun does not run on the processor type '${arch}'`, {
    hint: 'use a 64-bit x86 or 64-bit arm machine',
  });
}
