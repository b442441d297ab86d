// Processes by descriptor: clone3, waiting, signalling, and their files in procfs.
#ifndef TSRUN_SYS_PROCESS_H_
#define TSRUN_SYS_PROCESS_H_

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "sys/fd.h"
#include "sys/kernel.h"

namespace tsrun {

inline constexpr int kWaitForAnyClone = 0x40000000;  // __WALL: children whose exit signal is not SIGCHLD too
inline constexpr int kWaitExited = 4;                // WEXITED
inline constexpr int kNoHang = 1;                    // WNOHANG
// Of epoll(7), for a pidfd: EPOLLIN | EPOLLET. Edge-triggered, since a process may have ended and not be there to be reaped.
inline constexpr uint32_t kProcessEnd = 0x80000001;

// A decimal number without the C library.
class Decimal {
 public:
  explicit constexpr Decimal(uint64_t value) {
    char* at = digits_ + sizeof digits_ - 1;
    *at = 0;
    do {
      *--at = static_cast<char>('0' + value % 10);
      value /= 10;
    } while (value > 0);
    start_ = at - digits_;
  }
  const char* text() const { return digits_ + start_; }
  size_t size() const { return sizeof digits_ - 1 - static_cast<size_t>(start_); }

 private:
  char digits_[24] = "";
  long start_ = 0;
};

// A child in the making: nothing but the flags that the caller gives is shared with it, and its pidfd comes back.
inline sys::Outcome clone_process(uint64_t flags, int cgroup_fd, int* pid_fd) {
  CloneArguments arguments{};
  arguments.flags = flags | kClonePidfd | kCloneClearSignalHandlers;
  arguments.pidfd = reinterpret_cast<uint64_t>(pid_fd);
  arguments.exit_signal = SIGCHLD;
  if (cgroup_fd >= 0) {
    arguments.flags |= kCloneIntoCgroup;
    arguments.cgroup = static_cast<uint64_t>(cgroup_fd);
  }
  return sys::call<SYS_clone3>(&arguments, sizeof arguments);
}

// A child of the caller's parent. CLONE_PARENT wants no exit signal of its own; it gets the caller's (clone(2)). Its pid is
// written to `pid` by the clone itself, so that it is there even if the caller is killed right after.
inline sys::Outcome clone_sibling(uint64_t flags, int* pid_fd, int* pid) {
  CloneArguments arguments{};
  arguments.flags = flags | CLONE_PARENT | CLONE_PARENT_SETTID | kClonePidfd | kCloneClearSignalHandlers;
  arguments.pidfd = reinterpret_cast<uint64_t>(pid_fd);
  arguments.parent_tid = reinterpret_cast<uint64_t>(pid);
  return sys::call<SYS_clone3>(&arguments, sizeof arguments);
}

// Who is not dumpable cannot be traced, and its files in /proc are root's.
inline Status set_dumpable(bool dumpable) { return sys::call<SYS_prctl>(PR_SET_DUMPABLE, dumpable ? 1 : 0, 0, 0, 0).status(); }

inline uint64_t monotonic_ns() {
  timespec now{};
  (void)sys::raw(SYS_clock_gettime, CLOCK_MONOTONIC, reinterpret_cast<long>(&now));
  return static_cast<uint64_t>(now.tv_sec) * 1000000000 + static_cast<uint64_t>(now.tv_nsec);
}

inline Status send_signal(int pid_fd, int signal) { return sys::call<SYS_pidfd_send_signal>(pid_fd, signal, 0, 0).status(); }

// With a value for who looks at more than the number (sigqueue(3)).
inline Status send_signal(int pid_fd, int signal, int value) {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = SI_QUEUE;
  info.si_value.sival_int = value;
  return sys::call<SYS_pidfd_send_signal>(pid_fd, signal, &info, 0).status();
}

// Never waits. `si_pid` 0: it lives, or somebody traces it, and a zombie is its tracer's before it is its parent's
// (ptrace(2)). Its pidfd wakes up once more when the tracer lets go (do_notify_parent of the kernel).
inline Status reap_process(int pid_fd, siginfo_t* info, rusage* usage) {
  *info = siginfo_t{};
  return sys::call<SYS_waitid>(kPidfdIdType, pid_fd, info, kWaitExited | kWaitForAnyClone | kNoHang, usage).status();
}

// `/proc/<pid>/<name>` in the launcher's own procfs.
class ProcPath {
 public:
  ProcPath(int pid, const char* name) {
    Decimal number(static_cast<uint64_t>(pid));
    append("/proc/");
    append(number.text());
    append("/");
    append(name);
  }
  const char* path() const { return path_; }

 private:
  void append(const char* text) {
    while (*text != 0 && used_ + 1 < sizeof path_) path_[used_++] = *text++;
    path_[used_] = 0;
  }

  char path_[128] = "";
  size_t used_ = 0;
};

// A field of /proc/<pid>/stat, counted from the state as 0; before that stands the name, which may hold anything
// (proc_pid_stat(5)). False when it cannot be read.
inline bool stat_field(int pid, int field, uint64_t* value) {
  char text[1024];
  size_t size;
  if (!read_small_file(AT_FDCWD, ProcPath(pid, "stat").path(), text, sizeof text, &size).ok()) return false;
  const char* at = strrchr(text, ')');
  for (int space = 0; space <= field && at != nullptr; ++space) at = strchr(at + 1, ' ');
  if (at == nullptr) return false;
  *value = 0;
  for (++at; *at >= '0' && *at <= '9'; ++at) *value = *value * 10 + static_cast<uint64_t>(*at - '0');
  return true;
}

// When it started, in clock ticks after boot: with the pid, a name for a process that is never given twice.
inline bool start_ticks(int pid, uint64_t* ticks) {
  constexpr int kStartTime = 19;
  return stat_field(pid, kStartTime, ticks);
}

inline Status write_proc(int pid, const char* name, const char* text, size_t size) {
  return write_file_at(AT_FDCWD, ProcPath(pid, name).path(), text, size);
}

}  // namespace tsrun

#endif  // TSRUN_SYS_PROCESS_H_
