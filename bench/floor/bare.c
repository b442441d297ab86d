// What no container can do without: namespaces, eight mounts, six devices, pivot_root, execve. No user namespace, overlay,
// limits, masks or filters.
#include <sys/sysmacros.h>

#include "calls.h"
#include "container.h"
#include "home.h"

static const char *const none[] = {NULL};

static void mount_on(const char *type, const char *path) {
  int mount = make_file_system(type, none, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  attach_at_path(mount, path);
  close_fd(mount);
}

static void make_devices(void) {
  static const unsigned numbers[][2] = {{1, 3}, {1, 5}, {1, 7}, {1, 8}, {1, 9}, {5, 0}};
  static const char *const names[] = {"dev/null", "dev/zero", "dev/full", "dev/random", "dev/urandom", "dev/tty"};
  mount_on("tmpfs", "dev");
  for (size_t at = 0; at < sizeof names / sizeof names[0]; ++at) {
    CALL(mknodat, AT_FDCWD, names[at], S_IFCHR | 0666, makedev(numbers[at][0], numbers[at][1]));
  }
  static const char *const folders[] = {"dev/pts", "dev/shm", "dev/mqueue"};
  for (size_t at = 0; at < sizeof folders / sizeof folders[0]; ++at) CALL(mkdirat, AT_FDCWD, folders[at], 0755);
}

__attribute__((noreturn)) static void be_bare_child(int tree) {
  static char *const arguments[] = {"/bin/true", NULL};
  static char *const environment[] = {NULL};
  attach_at_path(tree, "/root");
  CALL(fchdir, tree);
  mount_on("proc", "proc");
  make_devices();
  mount_on("devpts", "dev/pts");
  mount_on("tmpfs", "dev/shm");
  mount_on("mqueue", "dev/mqueue");
  mount_on("sysfs", "sys");
  mount_on("cgroup2", "sys/fs/cgroup");
  CALL(pivot_root, ".", ".");
  CALL(umount2, ".", MNT_DETACH);
  CALL(chdir, "/");
  CALL(execve, arguments[0], arguments, environment);
  _exit(1);
}

void start_bare(struct container *container) {
  CALL(setns, source_namespace, CLONE_NEWNS);
  CALL(fchdir, source_root);
  CALL(chroot, ".");
  int tree = (int)CALL(open_tree, AT_FDCWD, settings.root, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  CALL(setns, home_namespace, CLONE_NEWNS);
  uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWTIME;
  container->pid = clone_process(namespaces, -1, &container->pidfd);
  if (container->pid == 0) be_bare_child(tree);
  close_fd(tree);
}

void end_bare(struct container *container) {
  wait_for(container);
  close_fd(container->pidfd);
}
