// Takes what it is told to take.
//
//   hog memory BYTES       touches that much; exits with 3 when the kernel refuses it
//   hog forks COUNT        makes that many children, prints how many it got, and ends them
//   hog threads COUNT      makes that many threads, prints how many it got, and stays
//   hog abstract NAME      connects to an abstract unix socket; prints `ok` or the errno
//   hog serve NAME         listens on one, until it is ended; prints `ok` when it does
//   hog signal PID NUMBER  sends a signal; prints `ok` or the errno
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { kPage = 4096, kRefused = 3, kUsage = 2 };

static int answer(long result) {
  printf("%s\n", result == 0 ? "ok" : strerrorname_np(errno));
  return result == 0 ? 0 : 1;
}

static int memory(size_t bytes) {
  volatile char *block = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (block == MAP_FAILED) return kRefused;
  for (size_t at = 0; at < bytes; at += kPage) block[at] = 1;
  printf("has %zu\n", bytes);
  return 0;
}

static int forks(int count) {
  int made = 0;
  int error = 0;
  setpgid(0, 0);
  for (; made < count; ++made) {
    pid_t pid = fork();
    if (pid == 0) {
      pause();
      _exit(0);
    }
    if (pid < 0) {
      error = errno;
      break;
    }
  }
  printf("forks %d %s\n", made, error == 0 ? "ok" : strerrorname_np(error));
  fflush(stdout);
  signal(SIGTERM, SIG_IGN);
  kill(0, SIGTERM);
  while (wait(NULL) > 0) {
  }
  return 0;
}

static void *idle(void *unused) {
  (void)unused;
  for (;;) pause();
  return NULL;
}

static int threads(int count) {
  int made = 0;
  int error = 0;
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 * 1024);
  for (; made < count && error == 0; made += error == 0) {
    pthread_t thread;
    error = pthread_create(&thread, &small, idle, NULL);
  }
  printf("threads %d %s\n", made, error == 0 ? "ok" : strerrorname_np(error));
  fflush(stdout);
  pause();
  return 0;
}

static int abstract(const char *name, int serves) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  size_t length = strlen(name);
  if (length + 1 > sizeof address.sun_path) return kUsage;
  memcpy(address.sun_path + 1, name, length);
  socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + length);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  if (!serves) return answer(connect(fd, (struct sockaddr *)&address, size));
  if (bind(fd, (struct sockaddr *)&address, size) != 0 || listen(fd, 1) != 0) return answer(-1);
  answer(0);
  fflush(stdout);
  for (;;) pause();
}

int main(int argc, char **argv) {
  if (argc < 3) return kUsage;
  if (strcmp(argv[1], "memory") == 0) return memory(strtoull(argv[2], NULL, 0));
  if (strcmp(argv[1], "forks") == 0) return forks(atoi(argv[2]));
  if (strcmp(argv[1], "threads") == 0) return threads(atoi(argv[2]));
  if (strcmp(argv[1], "abstract") == 0) return abstract(argv[2], 0);
  if (strcmp(argv[1], "serve") == 0) return abstract(argv[2], 1);
  if (strcmp(argv[1], "signal") == 0 && argc > 3) return answer(kill(atoi(argv[2]), atoi(argv[3])));
  return kUsage;
}
