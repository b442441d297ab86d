// What an execve needs, and what is set back before one. In static memory: nothing may be allocated in a container's first process.
#ifndef TSRUN_STEPS_PROGRAM_WORDS_H_
#define TSRUN_STEPS_PROGRAM_WORDS_H_

#include <signal.h>

#include "plan/codec.h"
#include "sys/call.h"

namespace tsrun {

inline constexpr uint32_t kMaxWords = 65536;

// A page that is never touched costs nothing.
inline const char* argument_words[kMaxWords];
inline const char* environment_words[kMaxWords];

inline Status point_at(Texts texts, const char** words) {
  if (texts.count >= kMaxWords) return Status{SYS_execve, E2BIG};
  uint32_t used = 0;
  while (texts.count > 0) words[used++] = texts.next().data;
  words[used] = nullptr;
  return kOk;
}

// One more behind so many.
inline Status append(const char* word, uint32_t used, const char** words) {
  if (used + 1 >= kMaxWords) return Status{SYS_execve, E2BIG};
  words[used] = word;
  words[used + 1] = nullptr;
  return kOk;
}

// The kernel's layout of struct sigaction.
struct KernelSignalAction {
  void (*handler)(int);
  unsigned long flags;
  void (*restorer)();
  uint64_t mask;
};

// The launcher ignores SIGPIPE, and what is ignored stays so over clone3 and execve.
inline Status reset_signals() {
  KernelSignalAction action{};
  uint64_t none = 0;
  TSRUN_TRY(sys::call<SYS_rt_sigaction>(SIGPIPE, &action, 0, sizeof none).status());
  return sys::call<SYS_rt_sigprocmask>(SIG_SETMASK, &none, 0, sizeof none).status();
}

}  // namespace tsrun

#endif  // TSRUN_STEPS_PROGRAM_WORDS_H_
