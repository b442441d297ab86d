// How sanitizers are set, and where they write. Linked only into what CMake builds with them (scripts/sanitizers.mjs).
//
// The launcher is started without an environment, its standard error is /dev/null, it closes every descriptor that it does not know, and
// its child works in another root: neither ASAN_OPTIONS nor log_path reaches them. Shared memory does, until the child's execve.
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

// How much is written, then what.
struct Notes {
  uint64_t used;
  char text[];
};

Notes* notes = nullptr;
uint64_t room = 0;

// Before main(), and before whatever closes descriptors.
__attribute__((constructor)) void open_notes() {
  int file = open(TSRUN_SANITIZER_NOTES, O_RDWR | O_CLOEXEC);
  if (file < 0) return;
  struct stat status;
  if (fstat(file, &status) == 0 && static_cast<size_t>(status.st_size) > sizeof(Notes)) {
    void* mapped = mmap(nullptr, static_cast<size_t>(status.st_size), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (mapped != MAP_FAILED) {
      room = static_cast<uint64_t>(status.st_size) - sizeof(Notes);
      notes = static_cast<Notes*>(mapped);
    }
  }
  close(file);
}

}  // namespace

// The names are the sanitizers'.
// NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
extern "C" {

// Of each piece that any sanitizer prints (sanitizer_printf.cpp).
__attribute__((no_sanitize("address", "undefined"))) void __sanitizer_on_print(const char* piece) {
  if (notes == nullptr) return;
  uint64_t size = strlen(piece);
  uint64_t at = __atomic_fetch_add(&notes->used, size, __ATOMIC_RELAXED);
  if (at + size <= room) memcpy(notes->text + at, piece, size);
}

// disable_coredump sets RLIMIT_CORE, which containers would inherit; no handler is left to use a signal stack, and a test has it refused.
// Whoever reads the notes knows the program, and names the places.
const char* __asan_default_options() {
  return "detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1:disable_coredump=0:use_sigaltstack=0:symbolize=0";
}

const char* __ubsan_default_options() {
  return "print_stacktrace=1:symbolize=0";
}
}
// NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp)
