// The one way in which the launcher talks to the kernel: raw system calls that give -errno and remember their number.
// Not glibc's wrappers: between clone3 and execve the C library's idea of the thread (tid cache, cancellation, set*id
// broadcast: nptl(7)) is wrong, so nothing of it may be called there.
#ifndef TSRUN_SYS_CALL_H_
#define TSRUN_SYS_CALL_H_

#include <errno.h>
#include <stdint.h>
#include <sys/syscall.h>

#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

namespace tsrun {

// What went wrong: the system call and its errno; `error` 0 is success.
struct [[nodiscard]] Status {
  uint32_t syscall = 0;
  int32_t error = 0;

  bool ok() const { return error == 0; }
};

inline constexpr Status kOk{};

namespace sys {

#if defined(__clang_analyzer__) || defined(TSRUN_VALGRIND)
// The analyzer does not see that the kernel fills in what is passed by address; of a declaration it assumes as much. Valgrind knows
// not every call (native/checks/valgrind_calls.cc).
long raw(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0);
#else
inline long raw(long number, long a = 0, long b = 0, long c = 0, long d = 0, long e = 0, long f = 0) {
#if defined(__x86_64__)
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
#elif defined(__aarch64__)
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
#else
#error "tsrun knows x86_64 and arm64"
#endif
}
#endif

inline long word(const void* pointer) { return reinterpret_cast<long>(pointer); }
inline long word(const char* pointer) { return reinterpret_cast<long>(pointer); }
inline long word(const char* const* list) { return reinterpret_cast<long>(list); }
inline long word(int value) { return value; }
inline long word(unsigned value) { return static_cast<long>(value); }
inline long word(long value) { return value; }
inline long word(unsigned long value) { return static_cast<long>(value); }

// The value of a system call, or its failure.
struct [[nodiscard]] Outcome {
  long value;
  uint32_t number;

  bool ok() const { return value >= 0; }
  int error() const { return value < 0 ? static_cast<int>(-value) : 0; }
  int fd() const { return static_cast<int>(value); }
  // Of mmap(2) alone.
  void* pointer() const { return reinterpret_cast<void*>(value); }  // NOLINT(performance-no-int-to-ptr): what mmap gives
  Status status() const { return Status{number, error()}; }
};

// Interrupted calls are repeated: the launcher has no signal handlers, so nothing but a stop and continue interrupts.
template <long Number, typename... Arguments>
Outcome call(Arguments... arguments) {
  long result;
  do {
    result = raw(Number, word(arguments)...);
  } while (result == -EINTR);
  return Outcome{result, static_cast<uint32_t>(Number)};
}

// A seccomp filter may forbid even exit_group(2); no filter can forbid a fault.
[[noreturn]] inline void end_process(int code) {
  (void)raw(SYS_exit_group, code);
  __builtin_trap();
}

}  // namespace sys
}  // namespace tsrun

// Returns from the enclosing function with the first Status that is a failure.
#define TSRUN_TRY(expression)                                    \
  do {                                                           \
    if (::tsrun::Status try_status = (expression); !try_status.ok()) return try_status; \
  } while (false)

#endif  // TSRUN_SYS_CALL_H_
