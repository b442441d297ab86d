// A process that uses the launcher: requests come with descriptors over a SOCK_SEQPACKET socket, events go to a stream
// socket that Node reads like any other.
#ifndef TSRUN_LAUNCHER_CLIENT_H_
#define TSRUN_LAUNCHER_CLIENT_H_

#include "launcher/container.h"
#include "plan/wire.generated.h"
#include "sys/fd.h"

namespace tsrun {

struct Launcher;

// An event on its way: what of it is not sent yet. Its descriptors go in front of it, and are closed then.
struct Outgoing {
  const uint8_t* data;
  size_t size;
  const int* fds;
  uint32_t fd_count;
};

// One that waits for room in the client's sockets, in the order of sending.
struct Unsent {
  Unsent* next = nullptr;
  Outgoing event;
  int fds[kMaxHandedOver];
};

// Which of a client's sockets has no room.
enum class Full : uint8_t { kNone, kEvents, kRequests };

struct Client {
  Client* next = nullptr;
  Launcher* launcher = nullptr;
  UniqueFd requests;
  UniqueFd events;
  Watch requests_watch;
  Watch events_watch;     // while there is no room for events
  uint32_t interest = 0;  // in its requests
  Full full = Full::kNone;
  Unsent* unsent = nullptr;
  Unsent* last_unsent = nullptr;
  size_t unsent_bytes = 0;
  uint32_t unsent_fds = 0;
  bool missed_changes = false;  // of cgroup files: they are read again when all is sent
  bool lost = false;            // to be dropped when the loop has come around
};

Status add_client(Launcher& launcher, UniqueFd requests);
Status listen_for_clients(Launcher& launcher, Text path);

// Drops those that broke the rules or hung up; their containers end, unless they survive.
void drop_lost_clients(Launcher& launcher);
// Takes connections again, after a want of descriptors.
void listen_again(Launcher& launcher);

// event_queue.cc
// Never waits: what the client's sockets have no room for is sent later.
void send_outgoing(Client& client, Outgoing event);
void send_unsent(Client& client);
void forget_unsent(Client& client);

// Says that an event is too long; its descriptors are closed then as well.
template <typename Event>
bool send_event(Client& client, const Event& event, const int* fds = nullptr, uint32_t fd_count = 0) {
  static uint8_t buffer[65536];
  Writer writer(buffer, sizeof buffer);
  encode(writer, event);
  bool whole = !writer.overflow();
  send_outgoing(client, Outgoing{buffer, whole ? writer.size() : 0, fds, fd_count});
  memset(buffer, 0, writer.size());  // children are copies of this memory
  return whole;
}

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_CLIENT_H_
