// Asks the kernel for things that a container should not get, each in a child of its own, with arguments that would do
// it. One `<name> ok` or `<name> <errno name>` line each. Names on the command line choose; without any, all are asked.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

struct question {
  const char *name;
  long (*ask)(void);
};

static long unshare_user(void) { return unshare(CLONE_NEWUSER); }
static long unshare_mount(void) { return unshare(CLONE_NEWNS); }
static long clone_user(void) {
  long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) _exit(0);
  return pid;
}
static long clone3_user(void) {
  struct clone_args arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) _exit(0);
  return pid;
}
static long setns_self(void) {
  int fd = open("/proc/self/ns/uts", O_RDONLY);
  return fd < 0 ? -1 : setns(fd, 0);
}
static long mount_tmpfs(void) { return mount("tmpfs", "/tmp", "tmpfs", 0, NULL); }
static long mount_proc(void) { return mount("proc", "/mnt", "proc", 0, NULL); }
static long remount_root(void) { return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND, NULL); }
static long fsopen_tmpfs(void) { return syscall(SYS_fsopen, "tmpfs", 0); }
static long umount_proc(void) { return umount2("/proc", MNT_DETACH); }
static long pivot(void) { return syscall(SYS_pivot_root, "/", "/mnt"); }
static long socket_of(int family, int type) { return socket(family, type, 0); }
static long socket_alg(void) { return socket_of(AF_ALG, SOCK_SEQPACKET); }
static long socket_vsock(void) { return socket_of(AF_VSOCK, SOCK_STREAM); }
static long socket_packet(void) { return socket_of(AF_PACKET, SOCK_RAW); }
static long socket_raw(void) { return socket(AF_INET, SOCK_RAW, 1); }
static long keyctl_session(void) { return syscall(SYS_keyctl, 0, -3, 0); }
static long add_key(void) { return syscall(SYS_add_key, "user", "canary", "x", 1, -3); }
static long request_key(void) { return syscall(SYS_request_key, "user", "canary", NULL, -3); }
static long bpf_map(void) {
  union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
  return syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes);
}
static long perf(void) {
  struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .exclude_kernel = 1};
  return syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}
static long io_uring(void) {
  struct io_uring_params parameters = {0};
  return syscall(SYS_io_uring_setup, 4, &parameters);
}
static long userfault(void) { return syscall(SYS_userfaultfd, 1 | O_CLOEXEC); }
static long open_handle(void) {
  struct {
    unsigned size;
    int type;
    unsigned char bytes[8];
  } handle = {8, 1, {2}};
  int root = open("/", O_RDONLY);
  return syscall(SYS_open_by_handle_at, root, &handle, O_RDONLY);
}
static long kernel_log(void) { return klogctl(10, NULL, 0); }
static long swap_on(void) { return swapon("/tmp/none", 0); }
static long reboot_call(void) { return syscall(SYS_reboot, 0xfee1dead, 672274793, 0, NULL); }
static long set_time(void) {
  struct timeval now;
  gettimeofday(&now, NULL);
  return settimeofday(&now, NULL);
}
static long set_name(void) { return sethostname("changed", 7); }
static long make_node(void) { return mknod("/tmp/null", 0020666, 0x103); }
static long make_disk(void) { return mknod("/tmp/disk", 0060666, 0xfe00); }
static long be_root(void) { return setuid(0); }
static long module(void) { return syscall(SYS_init_module, "x", 1, ""); }

static const struct question questions[] = {
    {"unshare-user", unshare_user},   {"unshare-mount", unshare_mount}, {"clone-user", clone_user},
    {"clone3-user", clone3_user},     {"setns-self", setns_self},       {"mount-tmpfs", mount_tmpfs},
    {"mount-proc", mount_proc},       {"remount-root", remount_root},   {"fsopen-tmpfs", fsopen_tmpfs},
    {"umount-proc", umount_proc},     {"pivot-root", pivot},            {"socket-alg", socket_alg},
    {"socket-vsock", socket_vsock},   {"socket-packet", socket_packet}, {"socket-raw", socket_raw},
    {"keyctl", keyctl_session},       {"add-key", add_key},             {"request-key", request_key},
    {"bpf", bpf_map},                 {"perf", perf},                   {"io-uring", io_uring},
    {"userfaultfd", userfault},       {"open-by-handle", open_handle},  {"kernel-log", kernel_log},
    {"swapon", swap_on},              {"reboot", reboot_call},          {"set-time", set_time},
    {"set-name", set_name},           {"make-node", make_node},         {"make-disk", make_disk},
    {"set-uid-0", be_root},           {"init-module", module},
};

static void ask(const struct question *question) {
  pid_t pid = fork();
  if (pid == 0) {
    long result = question->ask();
    printf("%s %s\n", question->name, result >= 0 ? "ok" : strerrorname_np(errno));
    fflush(stdout);
    _exit(0);
  }
  int status = 0;
  if (pid < 0) printf("%s no-fork\n", question->name);
  else if (waitpid(pid, &status, 0) == pid && WIFSIGNALED(status)) printf("%s signal %d\n", question->name, WTERMSIG(status));
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (size_t index = 0; index < sizeof questions / sizeof *questions; ++index) {
    int wanted = argc == 1;
    for (int at = 1; at < argc; ++at) wanted |= strcmp(argv[at], questions[index].name) == 0;
    if (wanted) ask(&questions[index]);
  }
  return 0;
}
