// Makes every system call of one ABI and prints what came of it, for a test that compares it with the seccomp filter's
// own words. To be run inside a container (statically linked); with its own arguments, -1 everywhere, it is harmless
// outside as well: each call is made by a child, and no pointer, descriptor, signal or id is valid.
//
//   try-syscalls native|x32|i386 [first [last [argument …]]]
//
// One line a call: `<number> errno <n>` (0 = it succeeded), `<number> signal <n>` or `<number> hangs`.
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { kArguments = 6, kPatienceMs = 200 };

typedef long (*call_function)(long number, const long *arguments);

static long call_native(long number, const long *a) {
  long result = syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
  return result == -1 ? -errno : result;
}

#if defined(__x86_64__)
static long call_x32(long number, const long *a) { return call_native(number | 0x40000000, a); }

// The compatibility entry, which 64-bit programs can use too. ebp carries the sixth argument.
static long call_i386(long number, const long *a) {
  long result;
  __asm__ volatile(
      "push %%rbp\n\t"
      "mov %7, %%ebp\n\t"
      "int $0x80\n\t"
      "pop %%rbp"
      : "=a"(result)
      : "a"(number), "b"(a[0]), "c"(a[1]), "d"(a[2]), "S"(a[3]), "D"(a[4]), "r"((int)a[5])
      : "memory", "cc", "r8", "r9", "r10", "r11");
  return (int)result;
}
#endif

static call_function abi(const char *name) {
  if (strcmp(name, "native") == 0) return call_native;
#if defined(__x86_64__)
  if (strcmp(name, "x32") == 0) return call_x32;
  if (strcmp(name, "i386") == 0) return call_i386;
#endif
  return NULL;
}

// vhangup has no argument that could make it fail, and would hang up the caller's terminal. vfork gives the caller's
// stack to its child, which a function that returns does not survive (vfork(2)).
static int skipped(call_function call, long number) {
#if defined(__x86_64__)
  if (call == call_i386) return number == 111 || number == 190;
  if (number == SYS_vfork) return 1;
#endif
  (void)call;
  return number == SYS_vhangup;
}

// The child of a fork or clone that succeeds ends here too.
static void child(call_function call, long number, const long *arguments) {
  long result = call(number, arguments);
  _exit(result < 0 && result >= -4095 ? (int)(-result > 255 ? 255 : -result) : 0);
}

static void wait_for(pid_t pid, long number) {
  const struct timespec pause = {0, 1000000};
  int status = 0;
  for (int waited = 0; waitpid(pid, &status, WNOHANG) == 0; ++waited) {
    if (waited == kPatienceMs) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      printf("%ld hangs\n", number);
      return;
    }
    nanosleep(&pause, NULL);
  }
  if (WIFSIGNALED(status)) {
    printf("%ld signal %d\n", number, WTERMSIG(status));
  } else {
    printf("%ld errno %d\n", number, WEXITSTATUS(status));
  }
}

int main(int argc, char **argv) {
  call_function call = abi(argc > 1 ? argv[1] : "native");
  if (call == NULL) {
    fprintf(stderr, "usage: try-syscalls native|x32|i386 [first [last [argument ...]]]\n");
    return 2;
  }
  long first = argc > 2 ? strtol(argv[2], NULL, 0) : 0;
  long last = argc > 3 ? strtol(argv[3], NULL, 0) : 600;
  long arguments[kArguments] = {-1, -1, -1, -1, -1, -1};
  for (int i = 0; i < kArguments && i + 4 < argc; ++i) arguments[i] = (long)strtoull(argv[i + 4], NULL, 0);
  setvbuf(stdout, NULL, _IOLBF, 0);
  for (long number = first; number <= last; ++number) {
    if (skipped(call, number)) continue;
    pid_t pid = fork();
    if (pid < 0) {
      perror("fork");
      return 1;
    }
    if (pid == 0) child(call, number, arguments);
    wait_for(pid, number);
  }
  return 0;
}
