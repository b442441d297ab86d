// As pid 1: waits for processes that come into its pid namespace (`exec`), and tries to get hold of each while it still
// runs the launcher's code: its memory, its descriptors, its environment, its program, and a ptrace. Exits with 10 when
// any of it succeeded, 0 when not, 11 when nobody came.
//
//   watch-newcomers [seconds [writable]]     `writable`: tries to open their programs for writing instead, once they have
//                                            ended; of the image's own programs that is told, but no hit. One of
//                                            those is held in any case, so that there is always something to compare with
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMost = 4096, kHeld = 64, kHit = 10, kNobody = 11 };

static unsigned seen[kMost];
static int held[kHeld];
static int held_count, newcomers, hits, writable;

// The launcher's program is a memfd; after execve it is a file of the image.
static int runs_launcher(int pid) {
  char path[64], target[256];
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  ssize_t length = readlink(path, target, sizeof target - 1);
  return length > 7 && strncmp(target, "/memfd:", 7) == 0;
}

static int opens(int pid, const char *name, int flags) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
  return open(path, flags | O_CLOEXEC);
}

static void hit(int pid, const char *what) {
  printf("hit %d %s\n", pid, what);
  ++hits;
}

static int has_bytes(int fd) {
  char byte;
  return read(fd, &byte, 1) == 1;
}

static void try_files(int pid) {
  static const char *const folders[] = {"fd/0", "fd/3", "cwd", "root"};
  int memory = opens(pid, "mem", O_RDWR);
  if (memory >= 0 && runs_launcher(pid)) hit(pid, "mem");
  int environment = opens(pid, "environ", O_RDONLY);
  if (environment >= 0 && runs_launcher(pid) && has_bytes(environment)) hit(pid, "environ");
  for (size_t index = 0; index < sizeof folders / sizeof *folders; ++index) {
    int fd = opens(pid, folders[index], O_RDONLY | O_NONBLOCK);
    if (fd >= 0 && runs_launcher(pid)) hit(pid, folders[index]);
    if (fd >= 0) close(fd);
  }
  if (memory >= 0) close(memory);
  if (environment >= 0) close(environment);
}

static void try_trace(int pid) {
  if (ptrace(PTRACE_SEIZE, pid, 0, 0) != 0) return;
  if (runs_launcher(pid)) hit(pid, "ptrace");
  ptrace(PTRACE_INTERRUPT, pid, 0, 0);
  waitpid(pid, NULL, __WALL);
  ptrace(PTRACE_DETACH, pid, 0, 0);
}

static void hold_program(int pid) {
  if (held_count == kHeld) return;
  int fd = opens(pid, "exe", O_RDONLY);
  if (fd < 0) return;
  held[held_count++] = fd;
}

// A program of the image, executed by a child of our own.
static void hold_own_program(void) {
  char path[64], target[256] = "";
  int child = fork();
  if (child == 0) {
    execl("/bin/busybox", "sleep", "1000", NULL);
    _exit(127);
  }
  snprintf(path, sizeof path, "/proc/%d/exe", child);
  while (kill(child, 0) == 0 && strcmp(target, "/bin/busybox") != 0) {
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = 0;
  }
  seen[child < kMost ? child : 0] = 1;
  hold_program(child);
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
}

// What others execute in this moment is busy; what is sealed stays so.
static int open_for_writing(const char *path) {
  int fd = -1;
  for (int turn = 0; turn < 2000 && fd < 0; ++turn) {
    fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0 && errno != ETXTBSY) return -1;
  }
  return fd;
}

static void try_to_write(void) {
  char path[64], target[256];
  for (int index = 0; index < held_count; ++index) {
    snprintf(path, sizeof path, "/proc/self/fd/%d", held[index]);
    ssize_t length = readlink(path, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = 0;
    int fd = open_for_writing(path);
    printf("program %s %s\n", target, fd >= 0 ? "writable" : strerrorname_np(errno));
    if (fd >= 0 && strncmp(target, "/memfd:", 7) == 0) ++hits;
  }
}

// Until it runs the image's program; what becomes of that is the container's own business.
static void attack(int pid) {
  char path[64], target[2];
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  for (int turn = 0; turn < 200 && kill(pid, 0) == 0; ++turn) {
    try_files(pid);
    try_trace(pid);
    if (readlink(path, target, sizeof target) > 0 && !runs_launcher(pid)) return;
  }
}

static void meet(int pid) {
  ++newcomers;
  if (writable) hold_program(pid);
  else attack(pid);
}

static void look(DIR *proc) {
  rewinddir(proc);
  for (struct dirent *entry = readdir(proc); entry != NULL; entry = readdir(proc)) {
    int pid = atoi(entry->d_name);
    if (pid < 2 || pid >= kMost || seen[pid]++ > 0) continue;
    meet(pid);
  }
}

int main(int argc, char **argv) {
  time_t end = time(NULL) + (argc > 1 ? atoi(argv[1]) : 5);
  writable = argc > 2;
  DIR *proc = opendir("/proc");
  if (proc == NULL) return 12;
  if (writable) hold_own_program();
  printf("ready\n");
  fflush(stdout);
  while (time(NULL) < end) look(proc);
  if (writable) try_to_write();
  printf("newcomers %d hits %d\n", newcomers, hits);
  return hits > 0 ? kHit : newcomers == 0 ? kNobody : 0;
}
