// The launcher's system calls, of the build that runs under valgrind 3.19 on x86_64 (CMakeLists.txt, TSRUN_VALGRIND). It gives ENOSYS for what it does
// not know; that is called outside of it, which is sound where the kernel only reads memory of the caller's. What it reads is looked at here.
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <valgrind/memcheck.h>

#include "sys/call.h"
#include "sys/kernel.h"

namespace tsrun::sys {
namespace {

struct Call {
  long number;
  long arguments[6];
};

long within(const Call& call) {
  const long* a = call.arguments;
  long result = syscall(call.number, a[0], a[1], a[2], a[3], a[4], a[5]);
  return result == -1 ? -errno : result;
}

// On the processor itself, where there is no C library.
__attribute__((no_stack_protector)) long outside(long, const Call* call) {
  long result;
  register long r10 __asm__("r10") = call->arguments[3];
  register long r8 __asm__("r8") = call->arguments[4];
  register long r9 __asm__("r9") = call->arguments[5];
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(call->number), "D"(call->arguments[0]), "S"(call->arguments[1]), "d"(call->arguments[2]), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

// Before Linux 5.7 a child could not be born into a cgroup; it goes there itself. Its pidfd is opened once it lives: its pid is no other's
// before it is reaped.
long clone_as_before(const CloneArguments& wanted) {
  int procs = -1;
  if ((wanted.flags & kCloneIntoCgroup) != 0) {
    procs = static_cast<int>(within({SYS_openat, {static_cast<long>(wanted.cgroup), word("cgroup.procs"), O_WRONLY | O_CLOEXEC, 0, 0, 0}}));
    if (procs < 0) return procs;
  }
  // CLONE_NEWTIME, which clone(2) has no room for, is none of these: such a plan fails here.
  constexpr uint64_t kOfClone3 = kClonePidfd | kCloneClearSignalHandlers | kCloneIntoCgroup;
  auto flags = static_cast<long>((wanted.flags & ~kOfClone3) | wanted.exit_signal);
  long pid = within({SYS_clone, {flags, 0, static_cast<long>(wanted.parent_tid), 0, 0, 0}});
  if (pid == 0 && procs >= 0 && write(procs, "0", 1) != 1) _exit(1);
  if (procs >= 0) close(procs);
  if (pid > 0) *reinterpret_cast<int*>(wanted.pidfd) = static_cast<int>(raw(SYS_pidfd_open, pid));  // NOLINT(performance-no-int-to-ptr)
  return pid;
}

// Among these, for reasons of their own: of descriptors valgrind keeps some to itself, and refuses a limit that it would lose them by; it
// ends when an execve fails, and looks for the program of an execveat in a /proc of the container's. The others are newer than it.
bool goes_outside(const Call& call) {
  constexpr long kOutside[] = {SYS_execve,      SYS_execveat,   SYS_fsconfig,  SYS_fsmount, SYS_fsopen,     SYS_landlock_create_ruleset, SYS_landlock_restrict_self, SYS_mount_setattr,
                               SYS_move_mount,  SYS_open_tree,  SYS_openat2,   SYS_pidfd_open, SYS_pidfd_send_signal,  SYS_prlimit64,               SYS_quotactl_fd, SYS_seccomp};
  for (long number : kOutside) {
    if (call.number == number) return true;
  }
  return call.number == SYS_ioctl && call.arguments[1] == TIOCGPTPEER;
}

// What memcheck would say of a call that it knew.
void look_at(const Call& call) {
  (void)VALGRIND_CHECK_MEM_IS_DEFINED(&call, sizeof call);
  const void* third = reinterpret_cast<const void*>(call.arguments[2]);   // NOLINT(performance-no-int-to-ptr)
  const void* fourth = reinterpret_cast<const void*>(call.arguments[3]);  // NOLINT(performance-no-int-to-ptr)
  if (call.number == SYS_mount_setattr) (void)VALGRIND_CHECK_MEM_IS_DEFINED(fourth, static_cast<size_t>(call.arguments[4]));
  if (call.number == SYS_openat2) (void)VALGRIND_CHECK_MEM_IS_DEFINED(third, static_cast<size_t>(call.arguments[3]));
  if (call.number == SYS_pidfd_send_signal && third != nullptr) (void)VALGRIND_CHECK_MEM_IS_DEFINED(third, sizeof(int) * 3);
}

// At the launcher's own end; what a child of it has copied is let go of by execve.
__attribute__((destructor)) void look_for_leaks() { VALGRIND_DO_LEAK_CHECK; }

}  // namespace

long raw(long number, long a, long b, long c, long d, long e, long f) {
  Call call{number, {a, b, c, d, e, f}};
  if (number == SYS_clone3) return clone_as_before(*reinterpret_cast<CloneArguments*>(a));  // NOLINT(performance-no-int-to-ptr)
  if (!goes_outside(call)) return within(call);
  look_at(call);
  if (number != SYS_execve && number != SYS_execveat) return static_cast<long>(VALGRIND_NON_SIMD_CALL1(outside, &call));
  // A program inherits what is blocked, and valgrind blocks nearly everything. By then nothing is by the launcher's own will.
  uint64_t none = 0;
  uint64_t before = 0;
  Call unblock{SYS_rt_sigprocmask, {SIG_SETMASK, word(&none), word(&before), sizeof none, 0, 0}};
  Call block{SYS_rt_sigprocmask, {SIG_SETMASK, word(&before), 0, sizeof before, 0, 0}};
  (void)VALGRIND_NON_SIMD_CALL1(outside, &unblock);
  auto failure = static_cast<long>(VALGRIND_NON_SIMD_CALL1(outside, &call));
  (void)VALGRIND_NON_SIMD_CALL1(outside, &block);
  return failure;
}

}  // namespace tsrun::sys
