#include "launcher/client.h"

#include <linux/fs.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "launcher/requests.h"
#include "sys/memory.h"

namespace tsrun {
namespace {

// A request with its plan; larger plans come in a descriptor.
uint8_t request_buffer[256 * 1024];

void drop_client(Client& client) {
  Launcher& launcher = *client.launcher;
  launcher.loop.remove(&client.requests_watch);
  launcher.loop.remove(&client.events_watch);
  abandon_containers_of(client);
  for (Client** at = &launcher.clients; *at != nullptr; at = &(*at)->next) {
    if (*at == &client) {
      *at = client.next;
      break;
    }
  }
  free(client.unsent);
  destroy(&client);
}

void collect_descriptors(msghdr& header, Passed& passed) {
  for (cmsghdr* entry = CMSG_FIRSTHDR(&header); entry != nullptr; entry = CMSG_NXTHDR(&header, entry)) {
    if (entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS) continue;
    passed.count = static_cast<uint32_t>((entry->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(passed.fds, CMSG_DATA(entry), passed.count * sizeof(int));
  }
}

void requests_ready(void* owner, uint32_t) {
  auto& client = *static_cast<Client*>(owner);
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxPassed)];
  iovec part{request_buffer, sizeof request_buffer};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  sys::Outcome received = sys::call<SYS_recvmsg>(client.requests.get(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (received.error() == EAGAIN) return;
  Passed passed;
  if (received.ok()) collect_descriptors(header, passed);
  // A cut message cannot be trusted, and its sender is not one of ours.
  bool whole = received.value > 0 && (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0;
  if (whole) handle_request(client, request_buffer, static_cast<size_t>(received.value), passed);
  // The next child is a copy of this memory: no container's plan may be left in it.
  if (received.ok()) memset(request_buffer, 0, static_cast<size_t>(received.value));
  if (!whole || client.lost) drop_client(client);
}

void events_writable(void* owner, uint32_t) {
  auto& client = *static_cast<Client*>(owner);
  sys::Outcome sent =
      sys::call<SYS_sendto>(client.events.get(), client.unsent, client.unsent_size, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
  if (sent.ok()) {
    client.unsent_size -= static_cast<size_t>(sent.value);
    memmove(client.unsent, client.unsent + sent.value, client.unsent_size);
  }
  // A broken stream shows as the end of the request socket too; there the client is dropped.
  if (client.unsent_size == 0 || (!sent.ok() && sent.error() != EAGAIN)) client.launcher->loop.remove(&client.events_watch);
}

void keep_unsent(Client& client, const uint8_t* data, size_t size) {
  auto* larger = static_cast<uint8_t*>(realloc(client.unsent, client.unsent_size + size));
  if (larger == nullptr) {
    client.lost = true;
    return;
  }
  memcpy(larger + client.unsent_size, data, size);
  client.unsent = larger;
  client.unsent_size += size;
  if (client.events_watch.fd < 0) {
    (void)client.launcher->loop.add(&client.events_watch, client.events.get(), EPOLLOUT, events_writable, &client);
  }
}

void connection_waits(void* owner, uint32_t) {
  auto& launcher = *static_cast<Launcher*>(owner);
  UniqueFd connection;
  if (!take(sys::call<SYS_accept4>(launcher.listener.get(), 0, 0, SOCK_CLOEXEC), &connection).ok()) return;
  ucred peer{};
  socklen_t size = sizeof peer;
  sys::Outcome asked = sys::call<SYS_getsockopt>(connection.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
  // The folder's mode keeps strangers out; this is for the day on which it does not.
  if (!asked.ok() || peer.uid != static_cast<uid_t>(sys::raw(SYS_geteuid))) return;
  (void)add_client(launcher, static_cast<UniqueFd&&>(connection));
}

// The path with a dot before its last part.
Status name_for_binding(Text path, sockaddr_un* address) {
  auto* slash = static_cast<const char*>(memrchr(path.data, '/', path.size));
  if (slash == nullptr) return Status{SYS_bind, EINVAL};
  if (path.size + size_t{1} >= sizeof address->sun_path) return Status{SYS_bind, ENAMETOOLONG};
  auto folder = static_cast<size_t>(slash + 1 - path.data);
  address->sun_family = AF_UNIX;
  memcpy(address->sun_path, path.data, folder);
  address->sun_path[folder] = '.';
  memcpy(address->sun_path + folder + 1, slash + 1, path.size - folder);
  return kOk;
}

// It gets its name when it takes connections: one that refuses them is taken for that of a dead launcher.
Status bind_and_listen(int socket, const sockaddr_un& address, Text path) {
  TSRUN_TRY(sys::call<SYS_bind>(socket, &address, sizeof address).status());
  TSRUN_TRY(sys::call<SYS_listen>(socket, 64).status());
  return sys::call<SYS_renameat2>(AT_FDCWD, address.sun_path, AT_FDCWD, path.data, RENAME_NOREPLACE).status();
}

}  // namespace

Status add_client(Launcher& launcher, UniqueFd requests) {
  auto* client = make<Client>();
  if (client == nullptr) return Status{SYS_brk, ENOMEM};
  client->launcher = &launcher;
  client->requests = static_cast<UniqueFd&&>(requests);
  client->next = launcher.clients;
  launcher.clients = client;
  return launcher.loop.add(&client->requests_watch, client->requests.get(), EPOLLIN, requests_ready, client);
}

Status listen_for_clients(Launcher& launcher, Text path) {
  sockaddr_un address{};
  UniqueFd socket;
  TSRUN_TRY(name_for_binding(path, &address));
  TSRUN_TRY(take(sys::call<SYS_socket>(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), &socket));
  TSRUN_TRY(launcher.home.enter_source());
  Status opened = bind_and_listen(socket.get(), address, path);
  TSRUN_TRY(launcher.home.return_home());
  TSRUN_TRY(opened);
  launcher.loop.remove(&launcher.listener_watch);
  launcher.listener = static_cast<UniqueFd&&>(socket);
  memcpy(launcher.listener_path, path.data, path.size + size_t{1});
  return launcher.loop.add(&launcher.listener_watch, launcher.listener.get(), EPOLLIN, connection_waits, &launcher);
}

void send_bytes(Client& client, const uint8_t* data, size_t size) {
  if (client.unsent_size > 0) return keep_unsent(client, data, size);
  sys::Outcome sent = sys::call<SYS_sendto>(client.events.get(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
  size_t done = sent.ok() ? static_cast<size_t>(sent.value) : 0;
  if (done < size && (sent.ok() || sent.error() == EAGAIN)) keep_unsent(client, data + done, size - done);
}

Status send_descriptors(Client& client, const int* fds, uint32_t count) {
  if (count == 0) return kOk;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxHandedOver)]{};
  iovec part{&count, sizeof count};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = CMSG_SPACE(sizeof(int) * count);
  cmsghdr* entry = CMSG_FIRSTHDR(&header);
  entry->cmsg_level = SOL_SOCKET;
  entry->cmsg_type = SCM_RIGHTS;
  entry->cmsg_len = CMSG_LEN(sizeof(int) * count);
  memcpy(CMSG_DATA(entry), fds, sizeof(int) * count);
  return sys::call<SYS_sendmsg>(client.requests.get(), &header, MSG_NOSIGNAL).status();
}

}  // namespace tsrun
