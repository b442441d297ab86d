#include "launcher/client.h"

#include <linux/fs.h>
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
  forget_unsent(client);
  abandon_containers_of(client);
  for (Client** at = &launcher.clients; *at != nullptr; at = &(*at)->next) {
    if (*at == &client) {
      *at = client.next;
      break;
    }
  }
  destroy(&client);
}

void collect_descriptors(msghdr& header, Passed& passed) {
  for (cmsghdr* entry = CMSG_FIRSTHDR(&header); entry != nullptr; entry = CMSG_NXTHDR(&header, entry)) {
    if (entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS) continue;
    passed.count = static_cast<uint32_t>((entry->cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(passed.fds, CMSG_DATA(entry), passed.count * sizeof(int));
  }
}

void receive_request(Client& client) {
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
  // There was room for all that a message can carry, but not in this process's table (EMFILE; unix(7)).
  passed.cut = (header.msg_flags & MSG_CTRUNC) != 0;
  // A cut message cannot be trusted, and its sender is not one of ours.
  bool whole = received.value > 0 && (header.msg_flags & MSG_TRUNC) == 0;
  if (whole) handle_request(client, request_buffer, static_cast<size_t>(received.value), passed);
  // The next child is a copy of this memory: no container's plan may be left in it.
  if (received.ok()) memset(request_buffer, 0, static_cast<size_t>(received.value));
  if (!whole) client.lost = true;
}

void requests_ready(void* owner, uint32_t events) {
  auto& client = *static_cast<Client*>(owner);
  // Nobody is left to read it; what was asked for before is still done.
  if ((events & EPOLLHUP) != 0) forget_unsent(client);
  if ((events & EPOLLOUT) != 0) send_unsent(client);
  if ((events & ~uint32_t{EPOLLOUT}) != 0) receive_request(client);
}

bool is_want(int error) { return error == EMFILE || error == ENFILE || error == ENOMEM || error == ENOBUFS; }

void connection_waits(void* owner, uint32_t) {
  auto& launcher = *static_cast<Launcher*>(owner);
  UniqueFd connection;
  Status accepted = take(sys::call<SYS_accept4>(launcher.listener.get(), 0, 0, SOCK_CLOEXEC), &connection);
  // It would be told of the same connection again and again; it looks again after whatever happens next.
  if (is_want(accepted.error)) launcher.listener_rests = launcher.loop.change(&launcher.listener_watch, 0).ok();
  if (!accepted.ok()) return;
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
  client->interest = EPOLLIN;
  Status added = launcher.loop.add(&client->requests_watch, client->requests.get(), EPOLLIN, requests_ready, client);
  if (!added.ok()) client->lost = true;
  return added;
}

void drop_lost_clients(Launcher& launcher) {
  for (Client* client = launcher.clients; client != nullptr;) {
    Client* next = client->next;
    if (client->lost) drop_client(*client);
    client = next;
  }
}

void listen_again(Launcher& launcher) {
  launcher.listener_rests = !launcher.loop.change(&launcher.listener_watch, EPOLLIN).ok();
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

}  // namespace tsrun
