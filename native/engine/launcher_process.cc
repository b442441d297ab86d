#include "engine/launcher_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace tsrun::engine {
namespace {

constexpr int kFirstClient = 3;  // what native/launcher/main.cc expects
constexpr int kReaper = 4;

Failure failed(const char* syscall) { return Failure{syscall, errno}; }

// Nothing of a memfd can change any more. Whoever just looks at one of its pages (compaction, DAMON) makes the kernel wait a moment, and
// then give up (EBUSY; memfd_wait_for_pins).
bool seal_all(int memfd) {
  constexpr int kMostTries = 8;
  int sealed = -1;
  for (int tries = 0; sealed != 0 && tries < kMostTries && (tries == 0 || errno == EBUSY); ++tries) {
    sealed = fcntl(memfd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
  }
  return sealed == 0;
}

// An executable memfd. Kernels before 6.3 do not know MFD_EXEC; there every one may be executed.
int make_executable_memfd() {
  int memfd = memfd_create("tsrun", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC);
  if (memfd < 0 && errno == EINVAL) memfd = memfd_create("tsrun", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  return memfd;
}

struct SpawnSettings {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;

  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
};

// posix_spawn, not fork: it shares memory until exec (CLONE_VFORK), so its cost does not grow with the embedder's heap.
int spawn(const Descriptor& program, const Descriptor& reaper, const Descriptor& socket, std::vector<std::string>& words, pid_t* pid) {
  SpawnSettings settings;
  for (int place = 0; place < 3; ++place) {
    posix_spawn_file_actions_addopen(&settings.actions, place, "/dev/null", O_RDWR, 0);
  }
  posix_spawn_file_actions_adddup2(&settings.actions, socket.get(), kFirstClient);
  posix_spawn_file_actions_adddup2(&settings.actions, reaper.get(), kReaper);
  sigset_t signals;
  sigfillset(&signals);
  posix_spawnattr_setsigdefault(&settings.attributes, &signals);
  sigemptyset(&signals);
  posix_spawnattr_setsigmask(&settings.attributes, &signals);
  posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);

  std::string path = "/proc/self/fd/" + std::to_string(program.get());
  words.insert(words.begin(), "tsrun-launcher");
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  char* environment[] = {nullptr};
  return posix_spawn(pid, path.c_str(), &settings.actions, &settings.attributes, arguments.data(), environment);
}

// What the launcher is given, and what is sent to it later, may not lie in the places that it expects things at.
bool lift_above_places(Descriptor* descriptor) {
  Descriptor low(descriptor->release());
  descriptor->set(fcntl(low.get(), F_DUPFD_CLOEXEC, kReaper + 1));
  return descriptor->get() >= 0;
}

bool pair_above_places(Descriptor* ours, Descriptor* theirs) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return false;
  ours->set(ends[0]);
  theirs->set(ends[1]);
  return lift_above_places(ours) && lift_above_places(theirs);
}

}  // namespace

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

void wait_for(pid_t pid) {
  int status;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
}

Failure seal_program(const std::string& path, Descriptor* sealed) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info;
  if (file.get() < 0 || fstat(file.get(), &info) != 0) return failed("open");
  sealed->set(make_executable_memfd());
  if (sealed->get() < 0) return failed("memfd_create");
  for (off_t left = info.st_size; left > 0;) {
    ssize_t copied = sendfile(sealed->get(), file.get(), nullptr, static_cast<size_t>(left));
    if (copied <= 0) return failed("sendfile");
    left -= copied;
  }
  return seal_all(sealed->get()) ? Failure{} : failed("fcntl");
}

Failure start_launcher(const std::string& launcher_path, const std::string& reaper_path, std::vector<std::string> words, Started* started) {
  Descriptor program;
  Descriptor reaper;
  Descriptor theirs;
  if (Failure failure = seal_program(launcher_path, &program)) return failure;
  if (Failure failure = seal_program(reaper_path, &reaper)) return failure;
  if (!lift_above_places(&program) || !lift_above_places(&reaper)) return failed("fcntl");
  if (!pair_above_places(&started->requests, &theirs)) return failed("socketpair");
  int error = spawn(program, reaper, theirs, words, &started->pid);
  return error == 0 ? Failure{} : Failure{"posix_spawn", error};
}

Failure connect_path(const std::string& path, int type, Descriptor* connected) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return Failure{"connect", ENAMETOOLONG};
  path.copy(address.sun_path, path.size());
  connected->set(::socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (connected->get() < 0) return failed("socket");
  return connect(connected->get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? Failure{} : failed("connect");
}

int send_message(int socket, const void* bytes, size_t size, const std::vector<int>& descriptors) {
  if (descriptors.size() > kMaxDescriptors) return EMFILE;
  size_t fd_bytes = sizeof(int) * descriptors.size();
  std::vector<char> control(CMSG_SPACE(fd_bytes));
  iovec part{const_cast<void*>(bytes), size};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (fd_bytes > 0) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* entry = CMSG_FIRSTHDR(&header);
    entry->cmsg_level = SOL_SOCKET;
    entry->cmsg_type = SCM_RIGHTS;
    entry->cmsg_len = CMSG_LEN(fd_bytes);
    memcpy(CMSG_DATA(entry), descriptors.data(), fd_bytes);
  }
  return sendmsg(socket, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? errno : 0;
}

Failure receive_descriptors(int socket, std::vector<int>* descriptors) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
  uint32_t announced = 0;
  iovec part{&announced, sizeof announced};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  if (recvmsg(socket, &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0) return failed("recvmsg");
  for (cmsghdr* entry = CMSG_FIRSTHDR(&header); entry != nullptr; entry = CMSG_NXTHDR(&header, entry)) {
    if (entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (entry->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t index = 0; index < count; ++index) {
      int fd;
      memcpy(&fd, CMSG_DATA(entry) + index * sizeof(int), sizeof fd);
      descriptors->push_back(fd);
    }
  }
  return Failure{};
}

Failure seal_bytes(const uint8_t* bytes, size_t size, Descriptor* sealed) {
  sealed->set(memfd_create("tsrun-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (sealed->get() < 0) return failed("memfd_create");
  for (size_t at = 0; at < size;) {
    ssize_t written = write(sealed->get(), bytes + at, size - at);
    if (written < 0) return failed("write");
    at += static_cast<size_t>(written);
  }
  return seal_all(sealed->get()) ? Failure{} : failed("fcntl");
}

Failure share_memory(int64_t size, Descriptor* shared) {
  shared->set(memfd_create("tsrun-times", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (shared->get() < 0) return failed("memfd_create");
  if (ftruncate(shared->get(), size) != 0) return failed("ftruncate");
  bool sealed = fcntl(shared->get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) == 0;
  return sealed ? Failure{} : failed("fcntl");
}

}  // namespace tsrun::engine
