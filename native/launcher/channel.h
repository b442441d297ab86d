// What passes between the launcher and a container's first process until execve: one SOCK_SEQPACKET pair, close-on-exec.
// Its end on the launcher's side tells of success (the process's end closed by execve) as well. The reaper of `--init` keeps
// its end: it says that the program runs, and how it ended.
#ifndef TSRUN_LAUNCHER_CHANNEL_H_
#define TSRUN_LAUNCHER_CHANNEL_H_

#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "sys/fd.h"

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
  kRuns = 9,       // reaper: the program was executed
  kEnded = 10,     // reaper: the program's wait status is in `step`
};

struct ChannelMessage {
  ChannelWord word;
  uint32_t step;
  Status status;
};

// A control message with one descriptor.
struct alignas(cmsghdr) OneDescriptor {
  char bytes[CMSG_SPACE(sizeof(int))];
};

Status make_channel(UniqueFd* ours, UniqueFd* theirs);

inline Status send_word(int channel, const ChannelMessage& message) {
  return sys::call<SYS_sendto>(channel, &message, sizeof message, MSG_NOSIGNAL, 0, 0).status();
}

// The launcher's way, which waits for nobody.
inline Status send_word_at_once(int channel, const ChannelMessage& message) {
  return sys::call<SYS_sendto>(channel, &message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0).status();
}

Status send_word_with(int channel, const ChannelMessage& message, int descriptor);

// Waits for a word, or the channel's end, at most so long.
inline void await_word(int channel, int milliseconds) {
  pollfd awaited{channel, POLLIN, 0};
  timespec most{milliseconds / 1000, milliseconds % 1000 * 1000000L};
  (void)sys::call<SYS_ppoll>(&awaited, 1, &most, 0, 0);
}

enum class Patience : bool { kNone, kWait };

// False at the end of the channel (or when nothing is there for who does not wait). A descriptor that came along is put
// into `descriptor`.
bool receive_word(int channel, Patience patience, ChannelMessage* message, UniqueFd* descriptor);

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_CHANNEL_H_
