// Kernel structures and constants that Debian 12's headers may lack, under our own names.
#ifndef TSRUN_SYS_KERNEL_H_
#define TSRUN_SYS_KERNEL_H_

#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <stdint.h>

namespace tsrun {

// mount_setattr(2), Linux 5.12.
struct MountAttributes {
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint64_t user_namespace;
};

inline constexpr uint64_t kMountIdMap = 0x00100000;

// clone3(2), Linux 5.7 for the cgroup field.
struct CloneArguments {
  uint64_t flags;
  uint64_t pidfd;
  uint64_t child_tid;
  uint64_t parent_tid;
  uint64_t exit_signal;
  uint64_t stack;
  uint64_t stack_size;
  uint64_t tls;
  uint64_t set_tid;
  uint64_t set_tid_size;
  uint64_t cgroup;
};

inline constexpr uint64_t kCloneIntoCgroup = 0x200000000;
inline constexpr uint64_t kCloneClearSignalHandlers = 0x100000000;
inline constexpr uint64_t kClonePidfd = 0x1000;
inline constexpr int kPidfdIdType = 3;  // P_PIDFD of waitid(2)

}  // namespace tsrun

#endif  // TSRUN_SYS_KERNEL_H_
