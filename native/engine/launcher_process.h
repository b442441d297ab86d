// What a process does to have a launcher: start it from a sealed memfd, and talk to it with descriptors. The same for Node, by way of
// the addon, and for tsrun-oci.
#ifndef TSRUN_ENGINE_LAUNCHER_PROCESS_H_
#define TSRUN_ENGINE_LAUNCHER_PROCESS_H_

#include <stdint.h>
#include <sys/types.h>

#include <string>
#include <vector>

#include "engine/failure.h"

namespace tsrun::engine {

inline constexpr size_t kMaxDescriptors = 253;  // SCM_MAX_FD of the kernel

class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
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

struct Started {
  Descriptor requests;
  pid_t pid = 0;  // of the process that was started, which is to be waited for
};

// Until it ended, whatever its status.
void wait_for(pid_t pid);

// A program as a sealed memfd: no container can ever write to an inode that the host executes (CVE-2019-5736).
Failure seal_program(const std::string& path, Descriptor* sealed);

// `words`: what the launcher is to know from the start (native/launcher/main.cc).
Failure start_launcher(const std::string& launcher_path, const std::string& reaper_path, std::vector<std::string> words, Started* started);

// A socket of this type that is connected to a path: SOCK_SEQPACKET for the requests to a launcher that lives already.
Failure connect_path(const std::string& path, int type, Descriptor* connected);

// 0, or an errno (EAGAIN: try again when an event has come). Never waits.
int send_message(int socket, const void* bytes, size_t size, const std::vector<int>& descriptors);

// The descriptors of one message; they are close-on-exec. Never waits.
Failure receive_descriptors(int socket, std::vector<int>* descriptors);

// A sealed memfd that holds the bytes, for what is too long for one message.
Failure seal_bytes(const uint8_t* bytes, size_t size, Descriptor* sealed);

// A memfd of this size that can neither grow nor shrink.
Failure share_memory(int64_t size, Descriptor* shared);

}  // namespace tsrun::engine

#endif  // TSRUN_ENGINE_LAUNCHER_PROCESS_H_
