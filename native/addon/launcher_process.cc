#include "addon/launcher_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <vector>

#include "addon/failure.h"

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace tsrun {
namespace {

constexpr size_t kMaxDescriptors = 253;
constexpr int kFirstClient = 3;  // what native/launcher/main.cc expects
constexpr int kReaper = 4;

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) close(fd_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }
  void set(int fd) { fd_ = fd; }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_;
};

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

// A program as a sealed memfd: no container can ever write to an inode that the host executes (CVE-2019-5736).
const char* seal(const std::string& path, Descriptor* sealed) {
  Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat info;
  if (file.get() < 0 || fstat(file.get(), &info) != 0) return "open";
  sealed->set(memfd_create("tsrun", MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_EXEC));
  // Kernels before 6.3 do not know MFD_EXEC; there every memfd may be executed.
  if (sealed->get() < 0 && errno == EINVAL) sealed->set(memfd_create("tsrun", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (sealed->get() < 0) return "memfd_create";
  for (off_t left = info.st_size; left > 0;) {
    ssize_t copied = sendfile(sealed->get(), file.get(), nullptr, static_cast<size_t>(left));
    if (copied <= 0) return "sendfile";
    left -= copied;
  }
  return seal_all(sealed->get()) ? nullptr : "fcntl";
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

// posix_spawn, not fork: it shares memory until exec (CLONE_VFORK), so its cost does not grow with Node's heap.
int spawn(const Descriptor& program, const Descriptor& reaper, const Descriptor& socket, bool rootless) {
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
  char name[] = "tsrun-launcher";
  char word[] = "rootless";
  char* arguments[] = {name, rootless ? word : nullptr, nullptr};
  char* environment[] = {nullptr};
  pid_t pid;
  int error = posix_spawn(&pid, path.c_str(), &settings.actions, &settings.attributes, arguments, environment);
  if (error != 0) return error;
  // The process that was started only hands on to the launcher proper and ends at once.
  int status;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return 0;
}

// The descriptors of a plan may not collide with the places that the launcher expects; both ends start above them.
bool pair_above_places(Descriptor* ours, Descriptor* theirs) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return false;
  Descriptor first(ends[0]);
  Descriptor second(ends[1]);
  ours->set(fcntl(first.get(), F_DUPFD_CLOEXEC, kReaper + 1));
  if (ours->get() >= 0) theirs->set(fcntl(second.get(), F_DUPFD_CLOEXEC, kReaper + 1));
  return theirs->get() >= 0;
}

// startLauncher(launcherPath, reaperPath, rootless): the request socket.
Napi::Value StartLauncher(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 3 || !info[0].IsString() || !info[1].IsString() || !info[2].IsBoolean()) {
    return throw_usage(env, "two paths and whether the user is an ordinary one are needed");
  }
  Descriptor program;
  Descriptor reaper;
  if (const char* failed = seal(info[0].As<Napi::String>().Utf8Value(), &program)) return throw_failure(env, failed, errno);
  if (const char* failed = seal(info[1].As<Napi::String>().Utf8Value(), &reaper)) return throw_failure(env, failed, errno);
  Descriptor ours;
  Descriptor theirs;
  if (!pair_above_places(&ours, &theirs)) return throw_failure(env, "socketpair", errno);
  if (int error = spawn(program, reaper, theirs, info[2].As<Napi::Boolean>())) return throw_failure(env, "posix_spawn", error);
  return Napi::Number::New(env, ours.release());
}

// sealProgram(path): a sealed memfd that can be executed, with what the file holds.
Napi::Value SealProgram(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsString()) return throw_usage(env, "a path is needed");
  Descriptor program;
  if (const char* failed = seal(info[0].As<Napi::String>().Utf8Value(), &program)) return throw_failure(env, failed, errno);
  return Napi::Number::New(env, program.release());
}

// connectLauncher(path): the request socket of a launcher that lives already.
Napi::Value ConnectLauncher(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsString()) return throw_usage(env, "a path is needed");
  std::string path = info[0].As<Napi::String>().Utf8Value();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return throw_failure(env, "connect", ENAMETOOLONG);
  path.copy(address.sun_path, path.size());
  Descriptor socket(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (socket.get() < 0) return throw_failure(env, "socket", errno);
  if (connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return throw_failure(env, "connect", errno);
  }
  return Napi::Number::New(env, socket.release());
}

// streamPair(): two ends of a stream socket, for the launcher's events.
Napi::Value StreamPair(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return throw_failure(env, "socketpair", errno);
  Napi::Array pair = Napi::Array::New(env, 2);
  pair.Set(0U, Napi::Number::New(env, ends[0]));
  pair.Set(1U, Napi::Number::New(env, ends[1]));
  return pair;
}

// send(socket, bytes, descriptors): 0, or an errno (EAGAIN: try again when an event has come).
Napi::Value Send(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 3 || !info[0].IsNumber() || !info[1].IsTypedArray() || !info[2].IsArray()) {
    return throw_usage(env, "socket, bytes and descriptors are needed");
  }
  auto bytes = info[1].As<Napi::Uint8Array>();
  auto list = info[2].As<Napi::Array>();
  uint32_t count = list.Length();
  if (count > kMaxDescriptors) return Napi::Number::New(env, EMFILE);
  std::vector<int> descriptors;
  descriptors.reserve(count);
  for (uint32_t index = 0; index < count; ++index) {
    descriptors.push_back(list.Get(index).As<Napi::Number>().Int32Value());
  }
  std::vector<char> control(CMSG_SPACE(sizeof(int) * count));
  iovec part{bytes.Data(), bytes.ByteLength()};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (count > 0) {
    header.msg_control = control.data();
    header.msg_controllen = control.size();
    cmsghdr* entry = CMSG_FIRSTHDR(&header);
    entry->cmsg_level = SOL_SOCKET;
    entry->cmsg_type = SCM_RIGHTS;
    entry->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(entry), descriptors.data(), sizeof(int) * count);
  }
  ssize_t sent = sendmsg(info[0].As<Napi::Number>().Int32Value(), &header, MSG_NOSIGNAL | MSG_DONTWAIT);
  return Napi::Number::New(env, sent < 0 ? errno : 0);
}

// sealBytes(bytes): a sealed memfd that holds them, for what is too long for one message.
Napi::Value SealBytes(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsTypedArray()) return throw_usage(env, "bytes are needed");
  auto bytes = info[0].As<Napi::Uint8Array>();
  Descriptor file(memfd_create("tsrun-plan", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file.get() < 0) return throw_failure(env, "memfd_create", errno);
  for (size_t at = 0; at < bytes.ByteLength();) {
    ssize_t written = write(file.get(), bytes.Data() + at, bytes.ByteLength() - at);
    if (written < 0) return throw_failure(env, "write", errno);
    at += static_cast<size_t>(written);
  }
  if (!seal_all(file.get())) return throw_failure(env, "fcntl", errno);
  return Napi::Number::New(env, file.release());
}

// shareMemory(bytes): a memfd of this size that can neither grow nor shrink.
Napi::Value ShareMemory(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsNumber()) return throw_usage(env, "a size is needed");
  Descriptor file(memfd_create("tsrun-times", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (file.get() < 0) return throw_failure(env, "memfd_create", errno);
  if (ftruncate(file.get(), info[0].As<Napi::Number>().Int64Value()) != 0) return throw_failure(env, "ftruncate", errno);
  if (fcntl(file.get(), F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW) != 0) return throw_failure(env, "fcntl", errno);
  return Napi::Number::New(env, file.release());
}

// receive(socket): the descriptors of one message; they are close-on-exec.
Napi::Value Receive(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsNumber()) return throw_usage(env, "a socket is needed");
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * kMaxDescriptors)];
  uint32_t announced = 0;
  iovec part{&announced, sizeof announced};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control;
  header.msg_controllen = sizeof control;
  ssize_t received = recvmsg(info[0].As<Napi::Number>().Int32Value(), &header, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  if (received < 0) return throw_failure(env, "recvmsg", errno);
  Napi::Array list = Napi::Array::New(env);
  uint32_t used = 0;
  for (cmsghdr* entry = CMSG_FIRSTHDR(&header); entry != nullptr; entry = CMSG_NXTHDR(&header, entry)) {
    if (entry->cmsg_level != SOL_SOCKET || entry->cmsg_type != SCM_RIGHTS) continue;
    size_t count = (entry->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (size_t index = 0; index < count; ++index) {
      int fd;
      memcpy(&fd, CMSG_DATA(entry) + index * sizeof(int), sizeof fd);
      list.Set(used++, Napi::Number::New(env, fd));
    }
  }
  return list;
}

}  // namespace

void InitLauncherProcess(Napi::Env env, Napi::Object exports) {
  exports.Set("startLauncher", Napi::Function::New(env, StartLauncher));
  exports.Set("sealProgram", Napi::Function::New(env, SealProgram));
  exports.Set("connectLauncher", Napi::Function::New(env, ConnectLauncher));
  exports.Set("streamPair", Napi::Function::New(env, StreamPair));
  exports.Set("send", Napi::Function::New(env, Send));
  exports.Set("sealBytes", Napi::Function::New(env, SealBytes));
  exports.Set("shareMemory", Napi::Function::New(env, ShareMemory));
  exports.Set("receive", Napi::Function::New(env, Receive));
}

}  // namespace tsrun
