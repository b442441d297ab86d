// A descriptor that closes itself, and a few calls on descriptors.
#ifndef TSRUN_SYS_FD_H_
#define TSRUN_SYS_FD_H_

#include <fcntl.h>
#include <string.h>

#include "sys/call.h"

namespace tsrun {

inline void close_fd(int fd) { (void)sys::raw(SYS_close, fd); }

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(other.release()) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    reset(other.release());
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  void reset(int fd = -1) {
    if (fd_ >= 0) close_fd(fd_);
    fd_ = fd;
  }
  int release() {
    int fd = fd_;
    fd_ = -1;
    return fd;
  }

 private:
  int fd_ = -1;
};

// Takes the descriptor of a successful outcome.
inline Status take(sys::Outcome outcome, UniqueFd* into) {
  if (outcome.ok()) into->reset(outcome.fd());
  return outcome.status();
}

inline Status write_all(int fd, const void* data, size_t size) {
  auto* at = static_cast<const char*>(data);
  while (size > 0) {
    sys::Outcome written = sys::call<SYS_write>(fd, at, size);
    if (!written.ok()) return written.status();
    at += written.value;
    size -= static_cast<size_t>(written.value);
  }
  return kOk;
}

// One write of the whole text: procfs, sysfs and cgroup files take a value in one piece.
inline Status write_file_at(int directory, const char* name, const char* text, size_t size) {
  UniqueFd file;
  TSRUN_TRY(take(sys::call<SYS_openat>(directory, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW), &file));
  return sys::call<SYS_write>(file.get(), text, size).status();
}

inline Status read_again(int file, char* buffer, size_t capacity, size_t* size) {
  sys::Outcome read = sys::call<SYS_pread64>(file, buffer, capacity - 1, 0);
  *size = read.ok() ? static_cast<size_t>(read.value) : 0;
  buffer[*size] = 0;
  return read.status();
}

// Reads a small kernel file whole; gives its size, at most `capacity` - 1, and ends it with NUL.
inline Status read_small_file(int directory, const char* name, char* buffer, size_t capacity, size_t* size) {
  UniqueFd file;
  *size = 0;
  buffer[0] = 0;
  TSRUN_TRY(take(sys::call<SYS_openat>(directory, name, O_RDONLY | O_CLOEXEC), &file));
  return read_again(file.get(), buffer, capacity, size);
}

}  // namespace tsrun

#endif  // TSRUN_SYS_FD_H_
