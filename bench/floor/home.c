#include "home.h"

#include "calls.h"
#include "settings.h"

int source_namespace;
int source_root;
int home_namespace;
int id_map;
int cgroup_parent;
int state_parent;
int own_pid;

static const char *const no_options[] = {NULL};

static void mount_at(const char *type, const char *path, unsigned attributes) {
  CALL(mkdirat, AT_FDCWD, path, 0755);
  int mount = make_file_system(type, no_options, attributes);
  attach_at_path(mount, path);
  close_fd(mount);
}

static void make_masks(void) {
  mount_at("tmpfs", "mask", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
  close_fd((int)CALL(openat, AT_FDCWD, "mask/file", O_CREAT | O_EXCL | O_RDONLY | O_CLOEXEC, 0));
  CALL(mkdirat, AT_FDCWD, "mask/dir", 0);
  struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY};
  CALL(mount_setattr, AT_FDCWD, "mask", 0L, &readonly, sizeof readonly);
}

// A copy of the host's table of mounts for each container would be the dearest thing of all.
static void prune(void) {
  source_namespace = (int)CALL(openat, AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC, 0L);
  source_root = (int)CALL(openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC, 0L);
  CALL(unshare, CLONE_NEWNS);
  struct mount_attr private_tree = {.propagation = MS_PRIVATE};
  CALL(mount_setattr, AT_FDCWD, "/", AT_RECURSIVE, &private_tree, sizeof private_tree);
  int root = make_file_system("tmpfs", no_options, MOUNT_ATTR_NOSUID);
  attach_at_path(root, "/");
  CALL(fchdir, root);
  close_fd(root);
  unsigned kernel = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  mount_at("proc", "proc", kernel);
  mount_at("sysfs", "sys", kernel);
  make_masks();
  CALL(mkdirat, AT_FDCWD, "root", 0755);
  CALL(mkdirat, AT_FDCWD, "scratch", 0755);
  CALL(mkdirat, AT_FDCWD, "scratch/0", 0700);
  CALL(mkdirat, AT_FDCWD, "scratch/u", 0700);
  CALL(pivot_root, ".", ".");
  CALL(umount2, ".", MNT_DETACH);
  CALL(chdir, "/");
  home_namespace = (int)CALL(openat, AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC, 0L);
}

void write_proc(int pid, const char *name, const char *text) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  write_file(AT_FDCWD, path, text, strlen(text));
}

// Kept for every container, as the launcher keeps those of ranges that are used again.
static void make_id_map(void) {
  struct clone_arguments arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
  int pid = (int)CALL(clone3, &arguments, sizeof arguments);
  if (pid == 0) for (;;) pause();
  write_proc(pid, "uid_map", ID_MAP);
  write_proc(pid, "gid_map", ID_MAP);
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/user", pid);
  id_map = (int)CALL(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0L);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
}

void make_home(void) {
  umask(0);
  own_pid = getpid();
  if (strcmp(settings.mode, "full") == 0) {
    cgroup_parent = (int)CALL(openat, AT_FDCWD, settings.cgroup, O_PATH | O_DIRECTORY | O_CLOEXEC, 0L);
    state_parent = (int)CALL(openat, AT_FDCWD, settings.state, O_PATH | O_DIRECTORY | O_CLOEXEC, 0L);
  }
  prune();
  make_id_map();
}
