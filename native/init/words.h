// What the two programs of native/init/ have in common: numbers among their arguments, words to the launcher, the program's execve.
#ifndef TSRUN_INIT_WORDS_H_
#define TSRUN_INIT_WORDS_H_

#include <sys/socket.h>

#include "init/execution.h"

namespace tsrun {

inline unsigned parse(const char* digits) {
  unsigned value = 0;
  for (; *digits >= '0' && *digits <= '9'; ++digits) value = value * 10 + static_cast<unsigned>(*digits - '0');
  return value;
}

inline bool tell(unsigned channel, ChannelWord word, uint32_t status, Status failure) {
  ChannelMessage message{word, status, failure};
  return sys::call<SYS_sendto>(channel, &message, sizeof message, MSG_NOSIGNAL, 0, 0).ok();
}

// Paths to try, and behind them the program's arguments.
[[noreturn]] inline void execute_first(unsigned channel, unsigned paths, char** words, char** environment) {
  ProgramSearch search;
  for (unsigned index = 0; index < paths; ++index) {
    if (!search.goes_on_after(sys::call<SYS_execve>(words[index], words + paths, environment).status())) break;
  }
  if (!tell(channel, ChannelWord::kNoProgram, 0, search.failure())) __builtin_trap();
  sys::end_process(127);
}

// init/entry.cc
[[noreturn]] void enter(unsigned count, char** words, char** environment);

}  // namespace tsrun

#endif  // TSRUN_INIT_WORDS_H_
