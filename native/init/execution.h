// What the reaper of `--init` shares with the launcher and its children: how a program is looked for, and the words of the
// channel on which is told what became of it. The reaper has no C library, so nothing here may need one.
#ifndef TSRUN_INIT_EXECUTION_H_
#define TSRUN_INIT_EXECUTION_H_

#include "sys/call.h"

namespace tsrun {

enum class ChannelWord : uint32_t {  // NOLINT(performance-enum-size): a smaller one leaves padding in the message
  kProceed = 1,    // launcher: your /proc files are written
  kStart = 2,      // launcher: execute
  kFailed = 3,     // process: a step failed; it is about to exit
  kCreated = 4,    // process: everything is done but execve
  kTerminal = 5,   // process: the terminal's master is attached
  kBorn = 6,       // midwife: the child's pid is in `step`, its pidfd is attached
  kNoProgram = 7,  // reaper: the program could not be executed
  kConnected = 8,  // helper: the socket is attached
  kRuns = 9,       // reaper: the program was executed; process: all is done, and there is none
  kEnded = 10,     // reaper: the program's wait status is in `step`
  kReached = 11,   // process: the client has to know of this step; it may bring a descriptor
};

struct ChannelMessage {
  ChannelWord word;
  uint32_t step;
  Status status;
};

// For whom a signal is that the launcher sends to the reaper, as the value that comes along with it (sigqueue(3)).
enum class Delivery : int {  // NOLINT(performance-enum-size): `sival_int` is one
  kProgram = 0,
  kEverybody = 1,  // at once; the container ends when all of them have
  kInTurn = 2,     // the program first, and when that has ended the others; the container ends when they have too
};

// What the paths that were tried say together. One that is there and may not be executed tells more than the folders of PATH
// in which there is none; one that cannot be executed ends the search (execvp(3)).
class ProgramSearch {
 public:
  // Whether to try the next.
  bool goes_on_after(Status tried) {
    bool next = tried.error == ENOENT || tried.error == ENOTDIR || tried.error == EACCES;
    if (!next || failure_.error != EACCES) failure_ = tried;
    return next;
  }
  Status failure() const { return failure_; }

 private:
  Status failure_{SYS_execve, ENOENT};
};

}  // namespace tsrun

#endif  // TSRUN_INIT_EXECUTION_H_
