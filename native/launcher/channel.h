// What passes between the launcher and a container's first process until execve: one SOCK_SEQPACKET pair, close-on-exec.
// Its end on the launcher's side tells of success (the process's end closed by execve) as well. The reaper of `--init` keeps
// its end: it says that the program runs, and how it ended.
#ifndef TSRUN_LAUNCHER_CHANNEL_H_
#define TSRUN_LAUNCHER_CHANNEL_H_

#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include "init/execution.h"
#include "sys/fd.h"

namespace tsrun {

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

// Waits for this word and no other.
Status await_word(int channel, ChannelWord word);

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_CHANNEL_H_
