// The launcher's half of the default plan, call by call (native/steps, native/launcher/launch.cc, ending.cc).
#include <linux/bpf.h>
#include <linux/fs.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>

#include "calls.h"
#include "container.h"
#include "home.h"

// F_DUPFD_CLOEXEC for what the launcher keeps both in its table of slots and in its own records.
static int duplicate(int fd) { return (int)CALL(fcntl, fd, F_DUPFD_CLOEXEC, 3L); }

static void record_state(struct container *container) {
  char temporary[64];
  snprintf(temporary, sizeof temporary, ".%s", container->name);
  CALL(mkdirat, state_parent, temporary, 0700);
  int directory = (int)CALL(openat, state_parent, temporary, O_PATH | O_DIRECTORY | O_CLOEXEC, 0L);
  int file = (int)CALL(openat, directory, "state.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  CALL(write, file, settings.record.data, settings.record.size);
  CALL(renameat2, state_parent, temporary, state_parent, container->name, RENAME_NOREPLACE);
  close_fd(file);
  close_fd(directory);
}

// Loaded once, as the launcher keeps it.
static int device_program(void) {
  static int loaded = -1;
  if (loaded >= 0) return loaded;
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.expected_attach_type = BPF_CGROUP_DEVICE;
  attributes.insns = (uint64_t)(uintptr_t)settings.devices.data;
  attributes.insn_cnt = (uint32_t)(settings.devices.size / sizeof(struct bpf_insn));
  attributes.license = (uint64_t)(uintptr_t) "";
  loaded = (int)CALL(bpf, BPF_PROG_LOAD, &attributes, sizeof attributes);
  return loaded;
}

static void limit_devices(int cgroup) {
  union bpf_attr attributes;
  memset(&attributes, 0, sizeof attributes);
  attributes.target_fd = (uint32_t)cgroup;
  attributes.attach_bpf_fd = (uint32_t)device_program();
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  CALL(bpf, BPF_PROG_ATTACH, &attributes, sizeof attributes);
}

static int make_cgroup(struct container *container) {
  CALL(mkdirat, cgroup_parent, container->name, 0755);
  container->cgroup = (int)CALL(openat, cgroup_parent, container->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0L);
  int slot = duplicate(container->cgroup);
  const struct words *writes = &settings.writes;
  for (size_t at = 0; at + 1 < writes->count; at += 2) write_file(slot, writes->at[at], writes->at[at + 1], strlen(writes->at[at + 1]));
  for (size_t at = 0; at < settings.watches.count; ++at) {
    char content[2048];
    container->watches[at] = (int)CALL(openat, slot, settings.watches.at[at], O_RDONLY | O_CLOEXEC, 0L);
    CALL(pread64, container->watches[at], content, sizeof content - 1, 0L);
  }
  if (settings.devices.size > 0) limit_devices(slot);
  return slot;
}

static int open_root(void) {
  CALL(setns, source_namespace, CLONE_NEWNS);
  CALL(fchdir, source_root);
  CALL(chroot, ".");
  int tree = (int)CALL(open_tree, AT_FDCWD, settings.root, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  CALL(setns, home_namespace, CLONE_NEWNS);
  return tree;
}

static void make_folder(int mount, const char *name) {
  CALL(mkdirat, mount, name, 0755);
  CALL(fchownat, mount, name, HOST_ROOT, HOST_ROOT, AT_SYMLINK_NOFOLLOW);
}

static void attach_in_scratch(int mount, const char *name) {
  if (syscall(SYS_mkdirat, AT_FDCWD, name, 0700) != 0 && errno != EEXIST) fail("mkdirat");
  attach_at_path(mount, name);
}

// Before Linux 6.15.
static int make_overlay_of_attached(int tree, int scratch) {
  static const char *const options[] = {"source=overlay", "lowerdir=0", "upperdir=u/upper", "workdir=u/work", NULL};
  CALL(chdir, "/scratch");
  attach_in_scratch(tree, "0");
  attach_in_scratch(scratch, "u");
  int overlay = make_file_system("overlay", options, MOUNT_ATTR_NODEV);
  CALL(umount2, "u", MNT_DETACH | UMOUNT_NOFOLLOW);
  CALL(umount2, "0", MNT_DETACH | UMOUNT_NOFOLLOW);
  return overlay;
}

static int make_overlay_of_descriptors(int tree, int scratch) {
  int upper = (int)CALL(openat, scratch, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC, 0L);
  int work = (int)CALL(openat, scratch, "work", O_PATH | O_DIRECTORY | O_CLOEXEC, 0L);
  int context = (int)CALL(fsopen, "overlay", FSOPEN_CLOEXEC);
  CALL(fsconfig, context, FSCONFIG_SET_STRING, "source", "overlay", 0L);
  CALL(fsconfig, context, FSCONFIG_SET_FD, "lowerdir+", NULL, tree);
  CALL(fsconfig, context, FSCONFIG_SET_FD, "upperdir", NULL, upper);
  CALL(fsconfig, context, FSCONFIG_SET_FD, "workdir", NULL, work);
  CALL(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0L);
  int overlay = (int)CALL(fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV);
  close_fd(context);
  close_fd(work);
  close_fd(upper);
  return overlay;
}

static int make_dev(void) {
  static const char *const options[] = {"source=tmpfs", "mode=0755", "size=65536k", "uid=1878982656", "gid=1878982656", NULL};
  static const struct {
    const char *name;
    unsigned major, minor;
  } nodes[] = {{"null", 1, 3}, {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9}, {"tty", 5, 0}};
  static const char *const links[][2] = {{"fd", "/proc/self/fd"},       {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
                                         {"stderr", "/proc/self/fd/2"}, {"core", "/proc/kcore"},      {"ptmx", "pts/ptmx"}};
  int dev = make_file_system("tmpfs", options, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
  for (size_t at = 0; at < sizeof nodes / sizeof nodes[0]; ++at) {
    CALL(mknodat, dev, nodes[at].name, S_IFCHR | 0666, makedev(nodes[at].major, nodes[at].minor));
    CALL(fchownat, dev, nodes[at].name, HOST_ROOT, HOST_ROOT, AT_SYMLINK_NOFOLLOW);
  }
  for (size_t at = 0; at < sizeof links / sizeof links[0]; ++at) CALL(symlinkat, links[at][1], dev, links[at][0]);
  return dev;
}

int clone_process(uint64_t flags, int cgroup, int *pidfd) {
  struct clone_arguments arguments = {
      .flags = flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND_FLAG | (cgroup >= 0 ? CLONE_INTO_CGROUP_FLAG : 0),
      .pidfd = (uint64_t)(uintptr_t)pidfd,
      .exit_signal = SIGCHLD,
      .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
  };
  return (int)CALL(clone3, &arguments, sizeof arguments);
}

static void note_pid(const struct container *container) {
  char number[16];
  int size = snprintf(number, sizeof number, "%d", container->pid);
  int folder = (int)CALL(openat, state_parent, container->name, O_PATH | O_CLOEXEC, 0L);
  int file = (int)CALL(openat, folder, "pid", O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  CALL(write, file, number, (size_t)size);
  close_fd(file);
  close_fd(folder);
}

static int open_mounts(int pid) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/ns/mnt", pid);
  return (int)CALL(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0L);
}

void start_full(struct container *container, unsigned number, int alone) {
  static const char *const scratch_options[] = {"source=tmpfs", "size=67108864", "mode=0700", NULL};
  snprintf(container->name, sizeof container->name, "floor.%d.%u", own_pid, number);
  record_state(container);
  int cgroup = make_cgroup(container);
  int tree = open_root();
  int map = duplicate(id_map);
  struct mount_attr attributes = {.attr_set = MOUNT_ATTR_NODEV | MOUNT_ATTR_IDMAP, .propagation = MS_PRIVATE, .userns_fd = (unsigned)map};
  CALL(mount_setattr, tree, "", AT_EMPTY_PATH, &attributes, sizeof attributes);
  int scratch = make_file_system("tmpfs", scratch_options, MOUNT_ATTR_NODEV);
  make_folder(scratch, "upper");
  make_folder(scratch, "work");
  container->upper = duplicate(scratch);
  int overlay = settings.layer_descriptors != 0 ? make_overlay_of_descriptors(tree, scratch) : make_overlay_of_attached(tree, scratch);
  int dev = make_dev();
  // What is attached has been let go of again.
  const int parts[2] = {settings.layer_descriptors != 0 ? tree : -1, settings.layer_descriptors != 0 ? scratch : -1};
  int ends[2];
  CALL(socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0L, ends);
  uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
  container->pid = clone_process(namespaces, cgroup, &container->pidfd);
  if (container->pid == 0) {
    close_fd(ends[0]);
    be_full_child(overlay, parts, dev, ends[1]);
  }
  container->channel = ends[0];
  container->mounts = alone ? open_mounts(container->pid) : -1;
  write_proc(container->pid, "uid_map", ID_MAP);
  write_proc(container->pid, "gid_map", ID_MAP);
  char proceed[16] = "";
  CALL(sendto, container->channel, proceed, sizeof proceed, MSG_NOSIGNAL, NULL, 0L);
  const int unused[] = {ends[1], cgroup, tree, map, scratch, overlay, dev};
  for (size_t at = 0; at < sizeof unused / sizeof unused[0]; ++at) close_fd(unused[at]);
  note_pid(container);
}

void wait_for(struct container *container) {
  siginfo_t info;
  struct rusage usage;
  memset(&info, 0, sizeof info);
  CALL(waitid, P_PIDFD_TYPE, container->pidfd, &info, WEXITED | __WALL, &usage);
  errno = ECHILD;
  if (info.si_code != CLD_EXITED || info.si_status != 0) fail("the container did not run its program");
}

// By which the launcher knows that the program was executed.
static void read_flags(int pid) {
  char path[64];
  char content[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", pid);
  int file = (int)CALL(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0L);
  CALL(pread64, file, content, sizeof content - 1, 0L);
  close_fd(file);
}

static void read_reports(const struct container *container) {
  for (size_t at = 0; at < settings.reports.count; ++at) {
    char content[8192];
    int file = (int)CALL(openat, container->cgroup, settings.reports.at[at], O_RDONLY | O_CLOEXEC, 0L);
    CALL(pread64, file, content, sizeof content - 1, 0L);
    close_fd(file);
  }
}

// The launcher lists the folder, since it does not know what a client wrote there.
static void forget_state(const struct container *container) {
  char entries[2048];
  int directory = (int)CALL(openat, state_parent, container->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW, 0L);
  CALL(getdents64, directory, entries, sizeof entries);
  CALL(unlinkat, directory, "state.json", 0L);
  CALL(unlinkat, directory, "pid", 0L);
  CALL(getdents64, directory, entries, sizeof entries);
  CALL(unlinkat, state_parent, container->name, AT_REMOVEDIR);
  close_fd(directory);
}

void end_full(struct container *container) {
  close_fd(container->channel);
  read_flags(container->pid);
  wait_for(container);
  for (size_t at = 0; at < settings.watches.count; ++at) close_fd(container->watches[at]);
  read_reports(container);
  CALL(unlinkat, cgroup_parent, container->name, AT_REMOVEDIR);
  forget_state(container);
}

void let_go_full(struct container *container) {
  struct statfs used;
  CALL(fstatfs, container->upper, &used);
  close_fd(container->upper);
  if (container->mounts >= 0) close_fd(container->mounts);
  close_fd(container->cgroup);
  close_fd(container->pidfd);
}
