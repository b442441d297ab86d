#include "launcher/requests.h"

#include <netinet/in.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "launcher/channel.h"
#include "launcher/helpers.h"
#include "launcher/output.h"
#include "sys/memory.h"
#include "sys/process.h"

namespace tsrun {
namespace {

void answer(Client& client, uint32_t request, Status status) {
  EventAnswered event{};
  event.request = request;
  event.error = status.error;
  (void)send_event(client, event);
}

Status become_watcher(Client& client, Container& container, uint32_t handle) {
  auto* watcher = make<Watcher>();
  if (watcher == nullptr) return Status{SYS_brk, ENOMEM};
  watcher->client = &client;
  watcher->handle = handle;
  watcher->next = container.watchers;
  container.watchers = watcher;
  return kOk;
}

inline constexpr Status kNoSuchContainer{SYS_pidfd_send_signal, ESRCH};

void handle(Client& client, const RequestHello& request, Passed& passed) {
  if (request.protocol != kProtocolVersion || passed.count != 1 || client.events.valid()) {
    client.lost = true;
    return;
  }
  client.events.reset(passed.take(0));
  EventReady event{};
  event.protocol = kProtocolVersion;
  event.pid = static_cast<uint32_t>(sys::raw(SYS_getpid));
  event.awaits_maps = client.launcher->rootless && !client.launcher->settled;
  (void)send_event(client, event);
}

void handle(Client& client, const RequestMapped& request, Passed&) {
  Launcher& launcher = *client.launcher;
  Status status = launcher.rootless && !launcher.settled ? launcher.settle() : Status{SYS_setresuid, EALREADY};
  launcher.settled = launcher.settled || status.ok();
  answer(client, request.request, status);
}

void handle(Client& client, const RequestListen& request, Passed&) {
  answer(client, request.request, listen_for_clients(*client.launcher, request.path));
}

void handle(Client& client, const RequestLaunch& request, Passed& passed) { launch(client, request, passed); }

void handle(Client& client, const RequestStart& request, Passed&) {
  Container* container = find_known(client, request.container);
  if (container == nullptr || container->phase != Phase::kCreated) return;
  if (send_word_at_once(container->channel.get(), ChannelMessage{ChannelWord::kStart, 0, kOk}).ok())
    container->phase = Phase::kStarting;
}

void handle(Client& client, const RequestProceed& request, Passed&) {
  Container* container = find_known(client, request.container);
  if (container == nullptr || container->owner != &client || container->phase != Phase::kStarting) return;
  container->awaits_client = false;
  (void)send_word_at_once(container->channel.get(), ChannelMessage{ChannelWord::kProceed, 0, kOk});
}

void handle(Client& client, const RequestCloseInput& request, Passed&) {
  Container* container = find_known(client, request.container);
  // Who is only attached goes without a word.
  if (container != nullptr && container->owner == &client) container->input.reset();
}

Status deliver_signal(const Container& container, const RequestSignal& request) {
  int pid_fd = container.pidfd.get();
  auto signal = static_cast<int>(request.signal);
  return request.delivery == 0 ? send_signal(pid_fd, signal) : send_signal(pid_fd, signal, static_cast<int>(request.delivery));
}

void handle(Client& client, const RequestSignal& request, Passed&) {
  Container* container = find_known(client, request.container);
  Status status = container == nullptr ? kNoSuchContainer : deliver_signal(*container, request);
  if (status.ok() && request.signal == SIGKILL) container->killed = true;
  answer(client, request.request, status);
}

void handle(Client& client, const RequestKillAll& request, Passed&) {
  Container* container = find_known(client, request.container);
  if (container != nullptr) kill_for_client(*container);
  answer(client, request.request, container == nullptr ? kNoSuchContainer : kOk);
}

union InternetAddress {
  sockaddr_in v4;
  sockaddr_in6 v6;
};

Status fill_address(const RequestConnect& request, InternetAddress* address, size_t* size) {
  auto port = static_cast<uint16_t>(request.port << 8 | request.port >> 8);
  if (request.family == AF_INET && request.address.size == sizeof address->v4.sin_addr) {
    address->v4.sin_family = AF_INET;
    address->v4.sin_port = port;
    memcpy(&address->v4.sin_addr, request.address.data, request.address.size);
    *size = sizeof address->v4;
    return kOk;
  }
  if (request.family == AF_INET6 && request.address.size == sizeof address->v6.sin6_addr) {
    address->v6.sin6_family = AF_INET6;
    address->v6.sin6_port = port;
    memcpy(&address->v6.sin6_addr, request.address.data, request.address.size);
    *size = sizeof address->v6;
    return kOk;
  }
  return Status{SYS_connect, EAFNOSUPPORT};
}

// A namespace is its inode (namespaces(7)).
bool shares_network(const Container& container) {
  struct stat theirs;
  struct stat ours;
  return sys::call<SYS_newfstatat>(AT_FDCWD, ProcPath(container.pid, "ns/net").path(), &theirs, 0).ok() &&
         sys::call<SYS_newfstatat>(AT_FDCWD, "/proc/self/ns/net", &ours, 0).ok() && theirs.st_dev == ours.st_dev &&
         theirs.st_ino == ours.st_ino;
}

// Into the host's, even from there, an ordinary user may not go (setns(2)).
Status enter_network(const Container& container) {
  if (shares_network(container)) return kOk;
  return sys::call<SYS_setns>(container.pidfd.get(), CLONE_NEWNET).status();
}

Status go_and_connect(const Container& container, const RequestConnect& request, UniqueFd* socket) {
  InternetAddress address{};
  size_t size;
  TSRUN_TRY(fill_address(request, &address, &size));
  TSRUN_TRY(enter_network(container));
  TSRUN_TRY(take(sys::call<SYS_socket>(request.family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), socket));
  Status connected = sys::call<SYS_connect>(socket->get(), &address, size).status();
  return connected.error == EINPROGRESS ? kOk : connected;
}

[[noreturn]] void connect_and_end(const Container& container, const RequestConnect& request, int channel) {
  UniqueFd socket;
  Status status = go_and_connect(container, request, &socket);
  if (status.ok()) {
    (void)send_word_with(channel, ChannelMessage{ChannelWord::kConnected, 0, kOk}, socket.get());
  } else {
    (void)send_word(channel, ChannelMessage{ChannelWord::kFailed, 0, status});
  }
  sys::end_process(0);
}

// It never waits itself; what it needs is a millisecond of time.
inline constexpr int kMostForChild = 2000;

// An ordinary user's launcher could not come back to the host's network namespace, so a child goes.
Status connect_by_child(Launcher& launcher, const Container& container, const RequestConnect& request, UniqueFd* socket) {
  UniqueFd ours;
  UniqueFd theirs;
  TSRUN_TRY(make_channel(&ours, &theirs));
  int pid_fd = -1;
  sys::Outcome pid = clone_process(0, -1, &pid_fd);
  if (!pid.ok()) return pid.status();
  if (pid.value == 0) connect_and_end(container, request, theirs.get());
  UniqueFd child(pid_fd);
  theirs.reset();
  ChannelMessage message;
  await_word(ours.get(), kMostForChild);
  bool heard = receive_word(ours.get(), Patience::kNone, &message, socket);
  (void)send_signal(child.get(), SIGKILL);
  reap_in_time(launcher.loop, static_cast<UniqueFd&&>(child));
  return heard ? message.status : Status{SYS_connect, ECHILD};
}

// A socket belongs to the namespace in which it was made, wherever it is used later; so one thread that goes there and
// back is enough.
Status connect_inside(Launcher& launcher, const Container& container, const RequestConnect& request, UniqueFd* socket) {
  if (launcher.rootless) return connect_by_child(launcher, container, request, socket);
  Status status = go_and_connect(container, request, socket);
  launcher.own.return_to(CLONE_NEWNET);
  return status;
}

void handle(Client& client, const RequestConnect& request, Passed&) {
  Container* container = find_known(client, request.container);
  UniqueFd socket;
  Status status = container == nullptr ? kNoSuchContainer : connect_inside(*client.launcher, *container, request, &socket);
  if (!status.ok()) return answer(client, request.request, status);
  EventAnswered event{};
  event.request = request.request;
  event.descriptors = 1;
  int fd = socket.release();
  (void)send_event(client, event, &fd, 1);
}

Status adopt(Client& client, const RequestAdopt& request, Container& container) {
  if (!request.own) return become_watcher(client, container, request.container);
  if (!container.survive || container.owner != nullptr) return Status{SYS_connect, EBUSY};
  container.owner = &client;
  container.handle = request.container;
  return kOk;
}

void handle(Client& client, const RequestAdopt& request, Passed&) {
  Container* container = find_by_id(*client.launcher, request.id);
  answer(client, request.request, container == nullptr ? kNoSuchContainer : adopt(client, request, *container));
}

// Only the owner may let go of it: it answers for the container's end.
void handle(Client& client, const RequestKeep& request, Passed&) {
  Container* container = find_known(client, request.container);
  bool owned = container != nullptr && container->owner == &client && container->handle == request.container;
  if (owned) container->survive = true;
  answer(client, request.request, owned ? kOk : kNoSuchContainer);
}

void handle(Client& client, const RequestWatchListening& request, Passed&) {
  Container* container = find_known(client, request.container);
  bool owned = container != nullptr && container->owner == &client;
  answer(client, request.request, owned ? client.launcher->listen_events.begin(*container) : kNoSuchContainer);
}

void handle(Client& client, const RequestEndListening& request, Passed&) {
  Container* container = find_known(client, request.container);
  if (container != nullptr && container->owner == &client) client.launcher->listen_events.end(*container);
}

void handle(Client& client, const RequestUnmount& request, Passed&) {
  Home& home = client.launcher->home;
  Status status = home.enter_source();
  if (status.ok()) status = sys::call<SYS_umount2>(request.path.data, UMOUNT_NOFOLLOW | (request.lazy ? MNT_DETACH : 0)).status();
  (void)home.return_home();
  answer(client, request.request, status);
}

// It is nobody's here from now on.
void handle(Client& client, const RequestRelease& request, Passed&) {
  Container* container = find_known(client, request.container);
  bool owned = container != nullptr && container->owner == &client && container->announced && container->watchers == nullptr;
  if (owned) release_container(*container);
  answer(client, request.request, owned ? kOk : kNoSuchContainer);
}

// The streams that an attached client gets, each with its name in the answer.
class Attachment {
 public:
  Status add(const char* name, UniqueFd fd) {
    if (count_ == kMaxStreams) return Status{SYS_sendmsg, EMFILE};
    fds_[count_++] = fd.release();
    names_.text(Text{name, static_cast<uint32_t>(strlen(name))});
    return kOk;
  }
  Status add_copy(const char* name, int fd) {
    UniqueFd copy;
    TSRUN_TRY(take(sys::call<SYS_fcntl>(fd, F_DUPFD_CLOEXEC, 3), &copy));
    return add(name, static_cast<UniqueFd&&>(copy));
  }
  Status add_output(Output& output) {
    int ends[2];
    TSRUN_TRY(sys::call<SYS_pipe2>(ends, O_CLOEXEC).status());
    UniqueFd reader(ends[0]);
    TSRUN_TRY(add_forward(output, UniqueFd(ends[1])));
    return add(output.stream == 2 ? "stderr" : "stdout", static_cast<UniqueFd&&>(reader));
  }
  void send(Client& client, uint32_t request) {
    EventAnswered event{};
    event.request = request;
    event.descriptors = count_;
    event.texts = Texts{bytes_, count_};
    (void)send_event(client, event, fds_, count_);
    count_ = 0;
  }
  ~Attachment() {
    while (count_ > 0) close_fd(fds_[--count_]);
  }

 private:
  static constexpr uint32_t kMaxStreams = 5;

  int fds_[kMaxStreams];
  uint32_t count_ = 0;
  uint8_t bytes_[256];
  Writer names_{bytes_, sizeof bytes_};
};

Status attach(Client& client, const RequestAttach& request, Container& container) {
  Attachment attachment;
  if (container.input.valid()) TSRUN_TRY(attachment.add_copy("stdin", container.input.get()));
  if (container.terminal.valid()) TSRUN_TRY(attachment.add_copy("terminal", container.terminal.get()));
  for (Output* each = client.launcher->outputs; each != nullptr; each = each->next) {
    if (each->container == &container) TSRUN_TRY(attachment.add_output(*each));
  }
  attachment.send(client, request.request);
  return kOk;
}

void handle(Client& client, const RequestAttach& request, Passed&) {
  Container* container = find_known(client, request.container);
  Status status = container == nullptr ? kNoSuchContainer : attach(client, request, *container);
  if (!status.ok()) answer(client, request.request, status);
}

}  // namespace

void handle_request(Client& client, const uint8_t* data, size_t size, Passed& passed) {
  uint32_t op;
  uint32_t length;
  if (size < kRecordHeader) {
    client.lost = true;
    return;
  }
  memcpy(&op, data, sizeof op);
  memcpy(&length, data + 4, sizeof length);
  auto handles = [&](const auto& request) {
    handle(client, request, passed);
    return true;
  };
  bool known = length == size && op <= UINT16_MAX &&
               visit_request(static_cast<uint16_t>(op), Reader(data + kRecordHeader, size - kRecordHeader), handles, false);
  if (!known) client.lost = true;
}

}  // namespace tsrun
