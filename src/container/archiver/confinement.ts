/**
 * The walls around tsrun's own program that reads what others wrote: nothing but a folder for its root, no network, no /proc, no
 * device, only the rights that owners, modes and overlayfs's attributes need, and few system calls.
 */
import { ociVersion } from '../../spec/defaults.js';
import type { IdMaps, Process, Root, Seccomp, Spec } from '../../spec/types.js';

/** What the program would use too much of must not be the host's. */
const mostProcesses = 8;
/** Anonymous memory; the program raises it to the hard limit for decoders with a large window (`xz -9`, `zstd --long=27`). */
const dataBytes = { soft: 48 * 2 ** 20, hard: 176 * 2 ** 20 };
const mostDescriptors = 1024;
/** Of processor time: far more than 64 GiB take, and an end for archives that are made to be slow. SIGXCPU comes first, then SIGKILL. */
const mostCpuSeconds = 3600;

/**
 * CAP_SYS_ADMIN is for `trusted.overlay.*` alone (xattr(7)): the system calls for which it is feared are none of those below.
 * CAP_MKNOD is not among them: whiteouts need none (Linux 5.8), and other devices nobody may make. CAP_DAC_READ_SEARCH would open
 * files of the host by handle.
 */
const ofFiles = ['CAP_CHOWN', 'CAP_DAC_OVERRIDE', 'CAP_FOWNER', 'CAP_FSETID', 'CAP_SETFCAP'];
const ofLayers = [...ofFiles, 'CAP_SYS_ADMIN'];

interface Whose {
  readonly where?: 'alone' | 'container';
  /** Of a user namespace of its own. */
  readonly maps?: IdMaps | undefined;
}

const words = (text: string): string[] => text.trim().split(/\s+/);

const systemCalls: readonly string[] = [
  ...words('read write pread64 pwrite64 close fcntl lseek ftruncate syncfs'),
  ...words('openat openat2 mkdirat mknodat symlinkat linkat unlinkat readlinkat chdir fchdir umask getdents64'),
  ...words('fstat newfstatat statx fstatfs fchown fchownat fchmod fchmodat utimensat'),
  ...words('fsetxattr lsetxattr fgetxattr lgetxattr flistxattr llistxattr fremovexattr'),
  // Of the C library: memory, threads, its own start and end.
  ...words('brk mmap munmap mremap mprotect madvise futex set_tid_address set_robust_list rseq rt_sigprocmask rt_sigaction rt_sigreturn'),
  ...words('prlimit64 getrandom exit exit_group restart_syscall'),
];

const cloneThread = 0x1_0000;
const emptyPath = 0x1000;
/** Where the launcher puts the program (native/steps/execute.cc). */
const programFd = 4;
const noSys = 38;

export function confinedSeccomp(arch: 'x64' | 'arm64'): Seccomp {
  return {
    defaultAction: 'SCMP_ACT_ERRNO',
    defaultErrnoRet: 1,
    architectures: [arch === 'x64' ? 'SCMP_ARCH_X86_64' : 'SCMP_ARCH_AARCH64'],
    syscalls: [
      { names: [...systemCalls, ...(arch === 'x64' ? ['arch_prctl', 'readlink'] : [])], action: 'SCMP_ACT_ALLOW' },
      // Threads, but no processes; of clone3(2) a filter cannot see which.
      { names: ['clone'], action: 'SCMP_ACT_ALLOW', args: [{ index: 0, value: cloneThread, valueTwo: cloneThread, op: 'SCMP_CMP_MASKED_EQ' }] },
      { names: ['clone3'], action: 'SCMP_ACT_ERRNO', errnoRet: noSys },
      // The program itself, by descriptor, and nothing that lies in the root.
      {
        names: ['execveat'],
        action: 'SCMP_ACT_ALLOW',
        args: [
          { index: 0, value: programFd, op: 'SCMP_CMP_EQ' },
          { index: 4, value: emptyPath, op: 'SCMP_CMP_EQ' },
        ],
      },
    ],
  };
}

/** As what the program is executed: by itself, or in the tree of a container, where it makes no layers. */
export function confinedProcess(args: readonly string[], where: 'alone' | 'container'): Process {
  const capabilities = where === 'alone' ? ofLayers : ofFiles;
  return {
    user: { uid: 0, gid: 0 },
    args: [...args],
    cwd: '/',
    noNewPrivileges: true,
    capabilities: { bounding: capabilities, permitted: capabilities, effective: capabilities, inheritable: [], ambient: [] },
    rlimits: [
      { type: 'RLIMIT_CORE', soft: 0, hard: 0 },
      { type: 'RLIMIT_CPU', soft: mostCpuSeconds, hard: mostCpuSeconds + 10 },
      { type: 'RLIMIT_DATA', ...dataBytes },
      { type: 'RLIMIT_NOFILE', soft: mostDescriptors, hard: mostDescriptors },
    ],
  };
}

/**
 * In the user namespace of the launcher, where the owners in an archive are what they are (an ordinary user's: its subordinate ids);
 * in the tree of a container that has ended, in one with the same ids as it had.
 */
export function confinedSpec(root: Root, args: readonly string[], arch: 'x64' | 'arm64', { where = 'alone', maps }: Whose = {}): Spec {
  return {
    ociVersion,
    root,
    process: confinedProcess(args, where),
    linux: {
      namespaces: [{ type: 'mount' }, { type: 'pid' }, { type: 'network' }, { type: 'ipc' }, { type: 'uts' }, { type: 'cgroup' }, ...(maps === undefined ? [] : [{ type: 'user' } as const])],
      ...(maps !== undefined && { uidMappings: [...maps.uidMappings], gidMappings: [...maps.gidMappings] }),
      resources: { pids: { limit: mostProcesses } },
      seccomp: confinedSeccomp(arch),
    },
  };
}
