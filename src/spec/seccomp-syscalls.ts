/**
 * Which system calls tsrun's own profile lets through, group by group, with the reason. Data only; how the calls whose
 * arguments matter are filtered is said in `seccomp-profile.ts`. A test holds these lists against the kernel's tables
 * for both architectures: every call up to Linux 7.0 is in exactly one of them.
 */

const words = (text: string): readonly string[] => text.split(/\s+/);

/** Allowed with any argument. */
export const allowedCalls = (): readonly (readonly string[])[] => [
  // Reading and writing through descriptors.
  words(`read write readv writev pread64 pwrite64 preadv pwritev preadv2 pwritev2 lseek sendfile splice tee copy_file_range
    close close_range dup dup2 dup3 fcntl flock`),
  // Opening and making files; devices are held by CAP_MKNOD and the device cgroup, and mkfifo needs mknod.
  words('open openat openat2 creat mknod mknodat memfd_create truncate ftruncate fallocate'),
  // Flushing and read-ahead.
  words('fsync fdatasync sync syncfs sync_file_range fadvise64 readahead'),
  // Linux AIO: databases and nginx. Its surface is small beside io_uring, which is denied.
  words('io_setup io_destroy io_submit io_cancel io_getevents io_pgetevents'),
  // Attributes of files, and what a path leads to.
  words(`stat lstat fstat newfstatat statx statfs fstatfs access faccessat faccessat2 readlink readlinkat
    getdents getdents64 file_getattr file_setattr utime utimes futimesat utimensat`),
  // Directories, links and names; mounts only to be looked at (what /proc/self/mountinfo shows anyway).
  words(`getcwd chdir fchdir mkdir mkdirat rmdir unlink unlinkat rename renameat renameat2 link linkat symlink symlinkat
    statmount listmount`),
  // Owners and modes; the capabilities decide.
  words('chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat umask'),
  // Extended attributes; the security.* and trusted.* ones ask for capabilities.
  words(`getxattr lgetxattr fgetxattr listxattr llistxattr flistxattr setxattr lsetxattr fsetxattr removexattr lremovexattr
    fremovexattr setxattrat getxattrat listxattrat removexattrat`),
  // Being told of changes to files. fanotify asks for CAP_SYS_ADMIN.
  words('inotify_init inotify_init1 inotify_add_watch inotify_rm_watch'),
  // Memory. Pkeys are V8's; mseal and shadow stacks are glibc's; not remap_file_pages, long replaced by mmap.
  words(`mmap munmap mremap mprotect pkey_mprotect pkey_alloc pkey_free brk madvise msync mincore mlock mlock2 munlock
    mlockall munlockall membarrier mseal map_shadow_stack`),
  // Processes and threads; clone is filtered by its flags.
  words('fork vfork execve execveat exit exit_group wait4 waitid set_tid_address set_robust_list rseq rseq_slice_yield'),
  // Pids, groups and sessions of processes. Not pidfd_getfd: it takes descriptors out of another process.
  words('getpid getppid gettid getpgid setpgid getpgrp getsid setsid pidfd_open pidfd_send_signal'),
  // A process's own settings; no_new_privs, Landlock and further filters only ever take rights away.
  words(`prctl arch_prctl seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self lsm_get_self_attr
    lsm_list_modules`),
  // Users, groups and capabilities: inside the bounding set nothing can be won.
  words(`getuid geteuid getgid getegid getresuid getresgid setuid setgid setreuid setregid setresuid setresgid setfsuid
    setfsgid getgroups setgroups capget capset`),
  // Limits, priorities, processors.
  words(`getrlimit setrlimit prlimit64 getrusage times getpriority setpriority ioprio_get ioprio_set sched_yield
    sched_getaffinity sched_setaffinity sched_getparam sched_setparam sched_getscheduler sched_setscheduler sched_getattr
    sched_setattr sched_get_priority_max sched_get_priority_min sched_rr_get_interval getcpu`),
  // Signals. uprobe and uretprobe are made by the kernel's own trampolines when the host traces a program, which dies if
  // they are denied (newer kernels let them past every filter); anywhere else the kernel refuses them.
  words(`kill tkill tgkill rt_sigaction rt_sigprocmask rt_sigreturn rt_sigpending rt_sigtimedwait rt_sigqueueinfo
    rt_tgsigqueueinfo rt_sigsuspend sigaltstack pause restart_syscall signalfd signalfd4 uretprobe uprobe`),
  // Reading clocks, sleeping, timers.
  words(`time gettimeofday clock_gettime clock_getres nanosleep clock_nanosleep alarm getitimer setitimer timer_create
    timer_settime timer_gettime timer_getoverrun timer_delete timerfd_create timerfd_settime timerfd_gettime`),
  // Locks between threads.
  words('futex futex_waitv futex_wake futex_wait futex_requeue'),
  // Waiting for descriptors.
  words('poll ppoll select pselect6 epoll_create epoll_create1 epoll_ctl epoll_wait epoll_pwait epoll_pwait2 eventfd eventfd2'),
  // Pipes, System V and POSIX ipc: all of it lives in the container's own ipc namespace.
  words(`pipe pipe2 shmget shmat shmdt shmctl semget semop semtimedop semctl msgget msgsnd msgrcv msgctl
    mq_open mq_unlink mq_timedsend mq_timedreceive mq_notify mq_getsetattr`),
  // Sockets once they are made; socket and socketpair are filtered by family.
  words(`bind listen accept accept4 connect getsockname getpeername getsockopt setsockopt shutdown sendto recvfrom sendmsg
    recvmsg sendmmsg recvmmsg`),
  // About the system.
  words('uname sysinfo getrandom'),
];

/** Calls that need a capability to be of any use; allowed when it is granted. */
export interface CapabilityGate {
  /** Any one of them opens the gate. */
  readonly capabilities: readonly string[];
  readonly calls: readonly string[];
  /** The kernel asks for the capability in the first user namespace: inside another the calls can only fail, so they stay shut. */
  readonly firstUserNamespaceOnly: boolean;
}

const gate = (capabilities: string, calls: string): CapabilityGate =>
  ({ capabilities: words(capabilities), calls: words(calls), firstUserNamespaceOnly: false });

const hostGate = (capabilities: string, calls: string): CapabilityGate =>
  ({ ...gate(capabilities, calls), firstUserNamespaceOnly: true });

export const gatedCalls = (): readonly CapabilityGate[] => [
  // Mounts: the kernel checks them well, but they are the largest surface that a nested container needs.
  gate('CAP_SYS_ADMIN', `mount umount2 pivot_root mount_setattr move_mount open_tree open_tree_attr fsopen fsconfig fsmount
    fspick`),
  // Host names and quotas; watching whole file systems.
  gate('CAP_SYS_ADMIN', 'sethostname setdomainname quotactl quotactl_fd fanotify_init fanotify_mark'),
  gate('CAP_SYS_CHROOT', 'chroot'),
  // Other processes' memory, descriptors and registers.
  gate('CAP_SYS_PTRACE', `ptrace process_vm_readv process_vm_writev process_madvise pidfd_getfd kcmp get_robust_list`),
  // NUMA placement: a rich source of kernel faults, of use on large machines only.
  gate('CAP_SYS_NICE', 'mbind set_mempolicy get_mempolicy migrate_pages move_pages set_mempolicy_home_node'),
  // reboot(2) ends a pid namespace, so it has a use inside a user namespace.
  gate('CAP_SYS_BOOT', 'reboot'),
  // The whole host's clock, even to read its state.
  hostGate('CAP_SYS_TIME', 'settimeofday clock_settime adjtimex clock_adjtime'),
  hostGate('CAP_SYSLOG', 'syslog'),
  hostGate('CAP_SYS_MODULE', 'init_module finit_module delete_module'),
  hostGate('CAP_SYS_RAWIO', 'iopl ioperm'),
  hostGate('CAP_SYS_PACCT', 'acct'),
  hostGate('CAP_SYS_TTY_CONFIG', 'vhangup'),
  hostGate('CAP_SYS_ADMIN CAP_BPF', 'bpf'),
  hostGate('CAP_SYS_ADMIN CAP_PERFMON', 'perf_event_open'),
  // Handles name files without a path, so outside the root as well (the escape known as Shocker).
  hostGate('CAP_DAC_READ_SEARCH', 'name_to_handle_at open_by_handle_at'),
];

/** Denied whatever is granted. */
export const deniedCalls = (): readonly (readonly string[])[] => [
  // A second way to make every other call, past this filter's arguments.
  words('io_uring_setup io_uring_enter io_uring_register'),
  // Stops the kernel in the middle of a copy: what turns a race in the kernel into an exploit.
  words('userfaultfd'),
  // Keyrings are not namespaced.
  words('keyctl add_key request_key'),
  // The host's kernel and swap are not a container's.
  words('kexec_load kexec_file_load swapon swapoff'),
  // What other containers have in the page cache, memory out of the kernel's own sight, security labels, namespaces.
  words('cachestat memfd_secret lsm_set_self_attr listns process_mrelease'),
  // Lends user pages to a pipe (CVE-2008-0600, CVE-2020-29374; its users fall back to write); non-linear mappings;
  // 16-bit segments: old surface that programs live without.
  words('vmsplice remap_file_pages modify_ldt'),
  // Obsolete: superseded, or without code behind the number.
  words(`uselib ustat sysfs _sysctl lookup_dcookie nfsservctl create_module get_kernel_syms query_module epoll_ctl_old
    epoll_wait_old set_thread_area get_thread_area getpmsg putpmsg afs_syscall tuxcall security vserver`),
];

/** Calls of x86_64 that arm64 never had. */
export const x64OnlyCalls = (): ReadonlySet<string> => new Set(words(`access afs_syscall alarm arch_prctl chmod chown creat
  create_module dup2 epoll_create epoll_ctl_old epoll_wait epoll_wait_old eventfd fork futimesat getdents get_kernel_syms
  getpgrp getpmsg get_thread_area inotify_init ioperm iopl lchown link lstat mkdir mknod modify_ldt open pause pipe poll
  putpmsg query_module readlink rename rmdir security select set_thread_area signalfd stat symlink _sysctl sysfs time
  tuxcall unlink uprobe uretprobe uselib ustat utime utimes vfork vserver`));
