// A process that uses the launcher: requests come with descriptors over a SOCK_SEQPACKET socket, events go to a stream
// socket that Node reads like any other.
#ifndef TSRUN_LAUNCHER_CLIENT_H_
#define TSRUN_LAUNCHER_CLIENT_H_

#include "launcher/watch.h"
#include "plan/wire.generated.h"
#include "sys/fd.h"

namespace tsrun {

struct Launcher;

struct Client {
  Client* next = nullptr;
  Launcher* launcher = nullptr;
  UniqueFd requests;
  UniqueFd events;
  Watch requests_watch;
  Watch events_watch;  // while `unsent` holds something
  uint8_t* unsent = nullptr;
  size_t unsent_size = 0;
  bool lost = false;
};

Status add_client(Launcher& launcher, UniqueFd requests);
Status listen_for_clients(Launcher& launcher, Text path);

// Sends bytes of whole records; keeps what the socket does not take yet.
void send_bytes(Client& client, const uint8_t* data, size_t size);

// Sends descriptors to the client, in front of the event that tells of them.
Status send_descriptors(Client& client, const int* fds, uint32_t count);

template <typename Event>
void send_event(Client& client, const Event& event) {
  static uint8_t buffer[65536];
  Writer writer(buffer, sizeof buffer);
  encode(writer, event);
  if (!writer.overflow()) send_bytes(client, buffer, writer.size());
  memset(buffer, 0, writer.size());  // children are copies of this memory
}

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_CLIENT_H_
