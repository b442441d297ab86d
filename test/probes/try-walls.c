// Handed over in the place of tsrun-archive, tries to get at what that has no business with. On standard error one line of JSON in that
// program's own form, in which `entries` has a bit for each attempt that succeeded; as text, for people, before it. Statically linked.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

static long try_proc(void) { return open("/proc/self/status", O_RDONLY); }
static long try_device(void) { return open("/dev/null", O_RDWR); }
static long try_node(void) {
  long made = mknod("node", S_IFCHR | 0600, makedev(1, 3));
  unlink("node");
  return made;
}
static long try_internet(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static long try_unix(void) { return socket(AF_UNIX, SOCK_STREAM, 0); }
static long try_mount(void) { return mount("tmpfs", "/", "tmpfs", 0, ""); }
static long try_ptrace(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0); }
static long try_namespace(void) { return unshare(CLONE_NEWNS); }
static long try_fork(void) {
  long child = fork();
  if (child == 0) _exit(0);
  if (child > 0) waitpid((pid_t)child, NULL, 0);
  return child;
}
// The process ends as the other program if it succeeds, so a child of vfork tries; without processes, this one.
static long try_execute(void) {
  int status = 0;
  pid_t child = fork();
  if (child < 0) return execl("/probe", "probe", "executed", NULL);
  if (child == 0) {
    execl("/probe", "probe", "executed", NULL);
    _exit(1);
  }
  waitpid(child, &status, 0);
  return WEXITSTATUS(status) == 42 ? 0 : -1;
}
static long try_bpf(void) {
  union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
  return syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes);
}
static long try_root(void) { return chroot("/"); }
static long try_handle(void) {
  struct {
    struct file_handle handle;
    char bytes[128];
  } found = {.handle = {.handle_bytes = 128}};
  int mount_id;
  return name_to_handle_at(AT_FDCWD, "/", &found.handle, &mount_id, 0);
}
static long try_perf(void) {
  struct perf_event_attr attributes = {.type = PERF_TYPE_SOFTWARE, .size = sizeof attributes, .config = PERF_COUNT_SW_CPU_CLOCK};
  return syscall(SYS_perf_event_open, &attributes, 0, -1, -1, 0);
}
static long try_keys(void) { return syscall(SYS_keyctl, 0 /* KEYCTL_GET_KEYRING_ID */, -1, 1); }
static long try_memory(void) { return memfd_create("x", 0); }
static long try_ids(void) { return setresuid(7, 7, -1); }
static long try_host_folder(void) { return open("/../../../../etc/hostname", O_RDONLY); }

static const struct {
  const char *name;
  long (*attempt)(void);
} attempts[] = {
    {"proc", try_proc}, {"device", try_device}, {"node", try_node}, {"internet", try_internet}, {"unix", try_unix},
    {"namespace", try_namespace}, {"ptrace", try_ptrace}, {"fork", try_fork}, {"execute", try_execute},
    {"host folder", try_host_folder}, {"bpf", try_bpf}, {"root", try_root}, {"handle", try_handle}, {"perf", try_perf}, {"keys", try_keys},
    {"memory", try_memory}, {"mount", try_mount}, {"ids", try_ids},
};

int main(int count, char **words) {
  unsigned long bits = 0;
  if (count > 1 && strcmp(words[1], "executed") == 0) return 42;
  for (unsigned index = 0; index < sizeof attempts / sizeof *attempts; ++index) {
    errno = 0;
    if (attempts[index].attempt() >= 0) bits |= 1UL << index;
  }
  fprintf(stderr, "{\"entries\":%lu,\"unpackedBytes\":%zu}\n", bits, sizeof attempts / sizeof *attempts);
  return 0;
}
