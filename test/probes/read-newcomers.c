// As pid 1 with CAP_SYS_PTRACE: stops whatever comes into its pid namespace while it still runs the launcher's code, and looks for
// what a program of the image would not have: capabilities, no seccomp filter, descriptors, and texts in its memory. Exits with
// 10 when it found any of that, 0 when not, 11 when it stopped nobody in time.
//
//   read-newcomers seconds capabilities text...     capabilities: a mask in hexadecimal of those that are nothing new
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kMost = 4096, kHit = 10, kNobody = 11, kLongestText = 256 };

static unsigned seen[kMost];
static unsigned long long allowed;
static char **texts;
static int text_count, early, hits;

// Its program is a memfd until its execve.
static int runs_launcher(int pid) {
  char path[64], target[256];
  snprintf(path, sizeof path, "/proc/%d/exe", pid);
  ssize_t length = readlink(path, target, sizeof target - 1);
  return length > 7 && strncmp(target, "/memfd:", 7) == 0;
}

static void hit(const char *what, const char *which) {
  printf("hit %s %s\n", what, which);
  ++hits;
}

static FILE *opened(const char *pid, const char *name) {
  char path[300];
  snprintf(path, sizeof path, "/proc/%s/%s", pid, name);
  return fopen(path, "re");
}

static unsigned long long field(const char *pid, const char *name, int base) {
  char line[256];
  unsigned long long value = 0;
  FILE *status = opened(pid, "status");
  while (status != NULL && fgets(line, sizeof line, status) != NULL) {
    if (strncmp(line, name, strlen(name)) == 0) value = strtoull(line + strlen(name), NULL, base);
  }
  if (status != NULL) fclose(status);
  return value;
}

static void look_at_rights(const char *pid) {
  char mask[32];
  unsigned long long held = field(pid, "CapPrm:", 16) | field(pid, "CapEff:", 16);
  snprintf(mask, sizeof mask, "%llx", held);
  if ((held & ~allowed) != 0) hit("capabilities", mask);
  if (field(pid, "Seccomp:", 10) < field("self", "Seccomp:", 10)) hit("seccomp", "none");
}

// Its standard streams, and the socket on which it reports a failure.
static void look_at_descriptors(const char *pid) {
  char folder[300], target[256];
  snprintf(folder, sizeof folder, "/proc/%s/fd", pid);
  DIR *list = opendir(folder);
  int sockets = 0;
  for (struct dirent *entry = list == NULL ? NULL : readdir(list); entry != NULL; entry = readdir(list)) {
    if (entry->d_name[0] == '.' || atoi(entry->d_name) < 3) continue;
    ssize_t length = readlinkat(dirfd(list), entry->d_name, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = 0;
    if (strncmp(target, "socket:", 7) != 0 || sockets++ > 0) hit("descriptor", target);
  }
  if (list != NULL) closedir(list);
}

static void search(const char *bytes, size_t size) {
  for (int index = 0; index < text_count; ++index) {
    if (memmem(bytes, size, texts[index], strlen(texts[index])) != NULL) hit("memory", texts[index]);
  }
}

static void look_at_memory(const char *pid) {
  static char bytes[1 << 16];
  char line[512], path[300];
  snprintf(path, sizeof path, "/proc/%s/mem", pid);
  int memory = open(path, O_RDONLY | O_CLOEXEC);
  FILE *maps = opened(pid, "maps");
  while (memory >= 0 && maps != NULL && fgets(line, sizeof line, maps) != NULL) {
    unsigned long start, end;
    if (sscanf(line, "%lx-%lx r", &start, &end) != 2) continue;
    for (unsigned long at = start; at < end; at += sizeof bytes - kLongestText) {
      ssize_t got = pread(memory, bytes, sizeof bytes < end - at ? sizeof bytes : end - at, (off_t)at);
      if (got > 0) search(bytes, (size_t)got);
    }
  }
  if (maps != NULL) fclose(maps);
  if (memory >= 0) close(memory);
}

static void meet(int number, const char *pid) {
  while (!runs_launcher(number) || ptrace(PTRACE_SEIZE, number, 0, 0) != 0) {
    char target[8];
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/exe", number);
    if (readlink(path, target, sizeof target) <= 0 || !runs_launcher(number)) return;
  }
  ptrace(PTRACE_INTERRUPT, number, 0, 0);
  int status;
  if (waitpid(number, &status, __WALL) != number || !WIFSTOPPED(status)) return;
  if (runs_launcher(number)) {
    ++early;
    look_at_rights(pid);
    look_at_descriptors(pid);
    look_at_memory(pid);
  }
  ptrace(PTRACE_DETACH, number, 0, 0);
}

int main(int argc, char **argv) {
  if (argc < 3) return 12;
  time_t end = time(NULL) + atoi(argv[1]);
  allowed = strtoull(argv[2], NULL, 16);
  texts = argv + 3;
  text_count = argc - 3;
  DIR *proc = opendir("/proc");
  if (proc == NULL) return 12;
  printf("ready\n");
  fflush(stdout);
  while (time(NULL) < end && early < 5) {
    rewinddir(proc);
    for (struct dirent *entry = readdir(proc); entry != NULL; entry = readdir(proc)) {
      int pid = atoi(entry->d_name);
      if (pid < 2 || pid >= kMost || seen[pid]++ > 0) continue;
      meet(pid, entry->d_name);
    }
  }
  printf("early %d hits %d\n", early, hits);
  return hits > 0 ? kHit : early == 0 ? kNobody : 0;
}
