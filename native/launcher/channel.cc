#include "launcher/channel.h"

namespace tsrun {

Status make_channel(UniqueFd* ours, UniqueFd* theirs) {
  int ends[2];
  TSRUN_TRY(sys::call<SYS_socketpair>(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends).status());
  ours->reset(ends[0]);
  theirs->reset(ends[1]);
  return kOk;
}

Status send_word_with(int channel, const ChannelMessage& message, int descriptor) {
  iovec part{const_cast<ChannelMessage*>(&message), sizeof message};
  OneDescriptor control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = &control;
  header.msg_controllen = sizeof control;
  cmsghdr* entry = CMSG_FIRSTHDR(&header);
  entry->cmsg_level = SOL_SOCKET;
  entry->cmsg_type = SCM_RIGHTS;
  entry->cmsg_len = CMSG_LEN(sizeof descriptor);
  memcpy(CMSG_DATA(entry), &descriptor, sizeof descriptor);
  return sys::call<SYS_sendmsg>(channel, &header, MSG_NOSIGNAL).status();
}

bool receive_word(int channel, Patience patience, ChannelMessage* message, UniqueFd* descriptor) {
  iovec part{message, sizeof *message};
  OneDescriptor control{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = &control;
  header.msg_controllen = sizeof control;
  sys::Outcome received = sys::call<SYS_recvmsg>(channel, &header, MSG_CMSG_CLOEXEC | (patience == Patience::kWait ? 0 : MSG_DONTWAIT));
  if (received.value != sizeof *message) return false;
  cmsghdr* entry = CMSG_FIRSTHDR(&header);
  if (entry != nullptr && entry->cmsg_level == SOL_SOCKET && entry->cmsg_type == SCM_RIGHTS) {
    int fd;
    memcpy(&fd, CMSG_DATA(entry), sizeof fd);
    descriptor->reset(fd);
  }
  return true;
}

Status await_word(int channel, ChannelWord word) {
  ChannelMessage message;
  UniqueFd unexpected;
  bool heard = receive_word(channel, Patience::kWait, &message, &unexpected) && message.word == word;
  return heard ? kOk : Status{SYS_recvmsg, ECANCELED};
}

}  // namespace tsrun
