// System calls that must succeed. Nothing here is tsrun's own code: the floor is what the kernel alone needs.
#ifndef BENCH_FLOOR_CALLS_H_
#define BENCH_FLOOR_CALLS_H_

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

// Newer than, or not in, Debian 12's C library headers.
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define CLONE_INTO_CGROUP_FLAG 0x200000000ULL
#define CLONE_CLEAR_SIGHAND_FLAG 0x100000000ULL
#define P_PIDFD_TYPE 3

struct clone_arguments {
  uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

__attribute__((noreturn)) void fail(const char *what);

static inline long checked(long result, const char *what) {
  if (result < 0) fail(what);
  return result;
}

// Wide zeros and pointers only, since syscall(2) passes its arguments as they come.
#define CALL(name, ...) checked(syscall(SYS_##name, ##__VA_ARGS__), #name)

static inline uint64_t now_ns(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
}

static inline void close_fd(int fd) { CALL(close, fd); }

void write_file(int directory, const char *name, const char *text, size_t size);

// A detached file system. Options are `key=value` or a flag; the list ends with NULL.
int make_file_system(const char *type, const char *const *options, unsigned attributes);

static inline void attach_at_path(int mount, const char *path) {
  CALL(move_mount, mount, "", AT_FDCWD, path, MOVE_MOUNT_F_EMPTY_PATH);
}

static inline void attach_at(int mount, int target) {
  CALL(move_mount, mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

#endif
