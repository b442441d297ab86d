// Tries to push a character into every terminal that it can reach, as if it had been typed (TIOCSTI), or to have the
// console do so (TIOCLINUX); also with a bit set above the lowest 32, which the kernel ignores (CVE-2019-10063).
// Exits with 10 when one try succeeded.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static int successes;

static void push(const char *name, int fd, const char *call, unsigned long request) {
  char letter = 'X';
  char paste[] = {3};
  long result = syscall(SYS_ioctl, fd, request, (request & 0xffff) == TIOCSTI ? &letter : paste);
  printf("%s %s %s\n", name, call, result == 0 ? "ok" : strerrorname_np(errno));
  successes += result == 0;
}

static void push_all(const char *name, int fd) {
  const unsigned long high = 1UL << 32;
  if (fd < 0) return;
  push(name, fd, "TIOCSTI", TIOCSTI);
  push(name, fd, "TIOCSTI|high", TIOCSTI | high);
  push(name, fd, "TIOCLINUX", TIOCLINUX);
  push(name, fd, "TIOCLINUX|high", TIOCLINUX | high);
}

int main(void) {
  push_all("stdin", 0);
  push_all("stdout", 1);
  push_all("stderr", 2);
  push_all("/dev/tty", open("/dev/tty", O_RDWR));
  push_all("/dev/console", open("/dev/console", O_RDWR | O_NOCTTY));
  return successes > 0 ? 10 : 0;
}
