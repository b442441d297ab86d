// Events to a client. It may be slow, or stopped: the launcher never waits for it, and keeps no more than a client that does
// not read can ask for.
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "launcher/cgroup_watch.h"
#include "launcher/client.h"
#include "launcher/launcher.h"
#include "sys/memory.h"

namespace tsrun {
namespace {

// With more than this on its way a client is not asked for further requests, each of which would have an answer.
constexpr size_t kMostBytes = size_t{256} * 1024;
constexpr uint32_t kMostFds = 64;

enum class Sent : uint8_t { kAll, kNoRoomForEvent, kNoRoomForDescriptors, kBroken };

void close_all(Outgoing& event) {
  for (uint32_t index = 0; index < event.fd_count; ++index) close_fd(event.fds[index]);
  event.fd_count = 0;
}

sys::Outcome send_descriptors(const Client& client, const int* fds, uint32_t count) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxHandedOver)]{};
  iovec part{&count, sizeof count};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (count > 0) {
    header.msg_control = control;
    header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
    cmsghdr* entry = CMSG_FIRSTHDR(&header);
    entry->cmsg_level = SOL_SOCKET;
    entry->cmsg_type = SCM_RIGHTS;
    entry->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(entry), fds, sizeof(int) * count);
  }
  return sys::call<SYS_sendmsg>(client.requests.get(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// One that has gone shows as the end of the request socket too, where it is dropped. Any other would wait for this event for ever: a security
// module refuses, say.
Sent broken(Client& client, int error) {
  if (error != EPIPE && error != ECONNRESET) client.lost = true;
  return Sent::kBroken;
}

Sent hand_over(Client& client, Outgoing& event) {
  if (event.fd_count == 0) return Sent::kAll;
  sys::Outcome sent = send_descriptors(client, event.fds, event.fd_count);
  // Too many are on their way (ETOOMANYREFS, unix(7)): the client counts, and finds that this event came without.
  if (!sent.ok() && sent.error() != EAGAIN) sent = send_descriptors(client, nullptr, 0);
  if (sent.error() == EAGAIN) return Sent::kNoRoomForDescriptors;
  close_all(event);
  return sent.ok() ? Sent::kAll : broken(client, sent.error());
}

Sent send_some(Client& client, Outgoing& event) {
  if (Sent handed = hand_over(client, event); handed != Sent::kAll) return handed;
  sys::Outcome sent = sys::call<SYS_sendto>(client.events.get(), event.data, event.size, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
  if (!sent.ok()) return sent.error() == EAGAIN ? Sent::kNoRoomForEvent : broken(client, sent.error());
  event.data += sent.value;
  event.size -= static_cast<size_t>(sent.value);
  return event.size == 0 ? Sent::kAll : Sent::kNoRoomForEvent;
}

void keep(Client& client, Outgoing event) {
  void* memory = malloc(sizeof(Unsent) + event.size);
  // Without this event it would wait for ever.
  if (memory == nullptr) {
    client.lost = true;
    return close_all(event);
  }
  auto* bytes = static_cast<uint8_t*>(memory) + sizeof(Unsent);
  auto* unsent = new (memory) Unsent{nullptr, {bytes, event.size, nullptr, event.fd_count}, {}};
  unsent->event.fds = unsent->fds;
  memcpy(bytes, event.data, event.size);
  // Of none there is no list either, which memcpy may not be given (C17, 7.24.1).
  if (event.fd_count > 0) memcpy(unsent->fds, event.fds, event.fd_count * sizeof(int));
  (client.unsent == nullptr ? client.unsent : client.last_unsent->next) = unsent;
  client.last_unsent = unsent;
  client.unsent_bytes += event.size;
  client.unsent_fds += event.fd_count;
}

void forget_first(Client& client) {
  Unsent* first = client.unsent;
  client.unsent = first->next;
  client.unsent_bytes -= first->event.size;
  client.unsent_fds -= first->event.fd_count;
  close_all(first->event);
  free(first);
}

void await_room(Client& client) {
  Loop& loop = client.launcher->loop;
  if (client.full != Full::kEvents) {
    loop.remove(&client.events_watch);
  } else if (client.events_watch.fd < 0) {
    auto writable = [](void* owner, uint32_t) { send_unsent(*static_cast<Client*>(owner)); };
    if (!loop.add(&client.events_watch, client.events.get(), EPOLLOUT, writable, &client).ok()) client.lost = true;
  }
  bool too_much = client.unsent_bytes > kMostBytes || client.unsent_fds > kMostFds;
  uint32_t interest = (too_much ? 0 : uint32_t{EPOLLIN}) | (client.full == Full::kRequests ? uint32_t{EPOLLOUT} : 0);
  if (interest == client.interest || client.requests_watch.fd < 0) return;
  client.interest = interest;
  if (!loop.change(&client.requests_watch, interest).ok()) client.lost = true;
}

void note_room(Client& client, Sent sent) {
  client.full = sent == Sent::kNoRoomForEvent         ? Full::kEvents
                : sent == Sent::kNoRoomForDescriptors ? Full::kRequests
                                                      : Full::kNone;
}

}  // namespace

void send_outgoing(Client& client, Outgoing event) {
  if (event.size == 0) return close_all(event);
  if (client.unsent == nullptr) {
    Sent sent = send_some(client, event);
    if (sent == Sent::kAll) return;
    if (sent == Sent::kBroken) return close_all(event);
    note_room(client, sent);
  }
  keep(client, event);
  await_room(client);
}

void send_unsent(Client& client) {
  Sent sent = Sent::kAll;
  while (client.unsent != nullptr && sent == Sent::kAll) {
    Outgoing& event = client.unsent->event;
    Outgoing before = event;
    sent = send_some(client, event);
    client.unsent_bytes -= before.size - event.size;
    client.unsent_fds -= before.fd_count - event.fd_count;
    if (sent == Sent::kAll) forget_first(client);
  }
  if (sent == Sent::kBroken) return forget_unsent(client);
  note_room(client, sent);
  await_room(client);
  if (client.unsent == nullptr && client.missed_changes) report_missed_changes(client);
}

void forget_unsent(Client& client) {
  while (client.unsent != nullptr) forget_first(client);
  client.full = Full::kNone;
  await_room(client);
}

}  // namespace tsrun
