// The container's half of the default plan, call by call (native/steps).
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "calls.h"
#include "container.h"

#define FOLLOW (RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
#define STRICT (FOLLOW | RESOLVE_NO_SYMLINKS)

#define LONGEST_PATH 256

static int root;

static int try_open(const char *path, uint64_t flags, uint64_t resolve) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = resolve};
  return (int)syscall(SYS_openat2, root, path, &how, sizeof how);
}

static int open_existing(const char *path, uint64_t flags, uint64_t resolve) {
  return (int)checked(try_open(path, flags, resolve), path);
}

static void split(const char *path, char *folder, const char **name) {
  snprintf(folder, LONGEST_PATH, "%s", path);
  char *slash = strrchr(folder, '/');
  *name = path + (slash - folder) + 1;
  *slash = 0;
  if (slash == folder) strcpy(folder, ".");
}

// What native/steps/root_path.cc does; a folder above that is missing as well is not met in the default plan's image.
static int open_target(const char *path, uint64_t resolve) {
  char folder[LONGEST_PATH];
  const char *name;
  int target = try_open(path, O_PATH | O_DIRECTORY, resolve);
  if (target >= 0) return target;
  if (errno != ENOENT) fail(path);
  split(path, folder, &name);
  int parent = open_existing(folder, O_PATH | O_DIRECTORY, FOLLOW);
  CALL(mkdirat, parent, name, 0755);
  close_fd(parent);
  return open_existing(path, O_PATH | O_DIRECTORY, resolve);
}

static void make_mount(const char *type, const char *const *options, unsigned attributes, const char *path, uint64_t resolve) {
  int target = open_target(path, resolve);
  int mount = make_file_system(type, options, attributes);
  attach_at(mount, target);
  close_fd(mount);
  close_fd(target);
}

static void attach_dev(int dev) {
  struct stat status;
  CALL(newfstatat, dev, "", &status, AT_EMPTY_PATH);
  int target = open_target("/dev", STRICT);
  attach_at(dev, target);
  close_fd(target);
}

static void make_mounts(int dev) {
  static const char *const proc[] = {"source=proc", NULL};
  static const char *const pts[] = {"source=devpts", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5", NULL};
  static const char *const shm[] = {"source=shm", "mode=1777", "size=67108864", NULL};
  static const char *const mqueue[] = {"source=mqueue", NULL};
  static const char *const sysfs[] = {"source=sysfs", NULL};
  static const char *const cgroup[] = {"source=cgroup", NULL};
  const unsigned kernel = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  make_mount("proc", proc, kernel, "/proc", STRICT);
  attach_dev(dev);
  make_mount("devpts", pts, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, "/dev/pts", STRICT);
  make_mount("tmpfs", shm, kernel, "/dev/shm", FOLLOW);
  make_mount("mqueue", mqueue, kernel, "/dev/mqueue", STRICT);
  make_mount("sysfs", sysfs, kernel | MOUNT_ATTR_RDONLY, "/sys", STRICT);
  make_mount("cgroup2", cgroup, kernel | MOUNT_ATTR_RDONLY, "/sys/fs/cgroup", STRICT);
}

static void set_up_namespaces(void) {
  struct ifreq loopback = {.ifr_name = "lo"};
  loopback.ifr_flags = IFF_UP | IFF_RUNNING;
  int socket = (int)CALL(socket, AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0L);
  CALL(ioctl, socket, SIOCSIFFLAGS, &loopback);
  close_fd(socket);
  CALL(sethostname, "floor-000", 9L);
  write_file(AT_FDCWD, "/proc/sys/net/ipv4/ping_group_range", "0 65535", 7);
  write_file(AT_FDCWD, "/proc/sys/net/ipv4/ip_unprivileged_port_start", "0", 1);
}

static void make_file(const char *path, const char *content) {
  char folder[LONGEST_PATH];
  const char *name;
  split(path, folder, &name);
  int parent = open_existing(folder, O_PATH | O_DIRECTORY, FOLLOW);
  if (syscall(SYS_unlinkat, parent, name, 0L) != 0 && errno != ENOENT) fail(path);
  int file = (int)CALL(openat, parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
  CALL(write, file, content, strlen(content));
  close_fd(file);
  close_fd(parent);
}

static void write_files(void) {
  make_file("/etc/hostname", "floor-000\n");
  make_file("/etc/hosts",
            "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\nff02::1\tip6-allnodes\n"
            "ff02::2\tip6-allrouters\n127.0.1.1\tfloor-000\n");
  make_file("/etc/resolv.conf", "# no network, so no name server\n");
}

static int is_absent(void) { return errno == ENOENT || errno == ENOTDIR; }

static void mask(const char *path) {
  struct stat status;
  int target = try_open(path, O_PATH, FOLLOW);
  if (target < 0 && is_absent()) return;
  checked(target, path);
  CALL(newfstatat, target, "", &status, AT_EMPTY_PATH);
  int cover = (int)CALL(open_tree, AT_FDCWD, S_ISDIR(status.st_mode) ? "/mask/dir" : "/mask/file", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  attach_at(cover, target);
  close_fd(cover);
  close_fd(target);
}

static void make_readonly(const char *path) {
  struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
  int target = try_open(path, O_PATH, FOLLOW);
  if (target < 0 && is_absent()) return;
  checked(target, path);
  int tree = (int)CALL(open_tree, target, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | AT_RECURSIVE);
  CALL(mount_setattr, tree, "", AT_EMPTY_PATH | AT_RECURSIVE, &readonly, sizeof readonly);
  attach_at(tree, target);
  close_fd(tree);
  close_fd(target);
}

static void pivot(void) {
  CALL(setsid);
  CALL(fchdir, root);
  CALL(pivot_root, ".", ".");
  CALL(umount2, ".", MNT_DETACH);
  CALL(chdir, "/");
  int directory = open_existing("/", O_PATH | O_DIRECTORY, FOLLOW);
  CALL(fchdir, directory);
  close_fd(directory);
}

static void set_limits(void) {
  const struct rlimit64 core = {0, 0};
  const struct rlimit64 files = {1024, 4096};
  CALL(prlimit64, 0L, RLIMIT_CORE, &core, NULL);
  CALL(prlimit64, 0L, RLIMIT_NOFILE, &files, NULL);
  CALL(umask, 022);
  CALL(keyctl, KEYCTL_JOIN_SESSION_KEYRING, "_floor", 0L, 0L, 0L);
}

static void drop_privileges(void) {
  const gid_t groups[] = {0};
  for (uint64_t capability = 0; capability <= settings.last; ++capability) {
    if ((settings.keep >> capability & 1) == 0) CALL(prctl, PR_CAPBSET_DROP, capability, 0L, 0L, 0L);
  }
  CALL(prctl, PR_SET_KEEPCAPS, 1L, 0L, 0L, 0L);
  CALL(setgroups, 1L, groups);
  CALL(setresgid, 0L, 0L, 0L);
  CALL(setresuid, 0L, 0L, 0L);
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  const uint32_t low = (uint32_t)settings.keep;
  const uint32_t high = (uint32_t)(settings.keep >> 32);
  const struct __user_cap_data_struct data[2] = {{low, low, 0}, {high, high, 0}};
  CALL(capset, &header, data);
  CALL(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0L, 0L, 0L);
}

static void seal(int channel) {
  struct pollfd poll = {channel, 0, 0};
  const struct timespec now = {0, 0};
  CALL(prctl, PR_SET_PDEATHSIG, SIGKILL, 0L, 0L, 0L);
  (void)syscall(SYS_wait4, -1L, NULL, WNOHANG, NULL);
  CALL(ppoll, &poll, 1L, &now, NULL, 0L);
  if (channel > 3) CALL(close_range, 3, channel - 1, 0L);
  CALL(close_range, channel + 1, ~0U, 0L);
  CALL(dup3, channel, 3, O_CLOEXEC);
  CALL(close_range, 4, ~0U, 0L);
  // The kernel's layout: handler, flags, restorer, mask.
  const uint64_t default_action[4] = {0, 0, 0, 0};
  const uint64_t no_signals = 0;
  CALL(rt_sigaction, SIGPIPE, default_action, NULL, sizeof no_signals);
  CALL(rt_sigprocmask, SIG_SETMASK, &no_signals, NULL, sizeof no_signals);
  CALL(prctl, PR_SET_NO_NEW_PRIVS, 1L, 0L, 0L, 0L);
  if (settings.scopes != 0) {
    const uint64_t rules[3] = {0, 0, settings.scopes};
    int ruleset = (int)CALL(landlock_create_ruleset, rules, sizeof rules, 0L);
    CALL(landlock_restrict_self, ruleset, 0L);
    close_fd(ruleset);
  }
  struct sock_fprog program = {(unsigned short)(settings.filter.size / sizeof(struct sock_filter)), (struct sock_filter *)(void *)settings.filter.data};
  CALL(seccomp, SECCOMP_SET_MODE_FILTER, 0L, &program);
}

void be_full_child(int overlay, const int parts[2], int dev, int channel) {
  static char *const arguments[] = {"/bin/true", NULL};
  static char *const environment[] = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME=floor-000", "HOME=/", NULL};
  char proceed[16];
  struct iovec part = {proceed, sizeof proceed};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  CALL(recvmsg, channel, &message, MSG_CMSG_CLOEXEC);
  CALL(prctl, PR_SET_DUMPABLE, 0L, 0L, 0L, 0L);
  root = overlay;
  CALL(setresgid, 0L, 0L, 0L);
  CALL(setresuid, 0L, 0L, 0L);
  attach_at_path(root, "/root");
  for (size_t at = 0; at < 2; ++at) {
    if (parts[at] >= 0) attach_at_path(parts[at], "/scratch");
  }
  make_mounts(dev);
  set_up_namespaces();
  write_files();
  for (size_t at = 0; at < settings.masks.count; ++at) mask(settings.masks.at[at]);
  for (size_t at = 0; at < settings.readonlys.count; ++at) make_readonly(settings.readonlys.at[at]);
  pivot();
  set_limits();
  drop_privileges();
  seal(channel);
  CALL(execve, arguments[0], arguments, environment);
  _exit(1);
}
