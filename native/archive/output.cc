#include "archive/output.h"

#include <unistd.h>

#include "archive/failure.h"
#include "sys/fd.h"

namespace tsrun::archive {
namespace {

constexpr size_t kMostWaiting = size_t{256} * 1024;

void write_out(std::string_view bytes) {
  Status written = write_all(STDOUT_FILENO, bytes.data(), bytes.size());
  errno = written.error;
  if (!written.ok()) give_up("", "write");
}

}  // namespace

void Output::put(std::string_view bytes) {
  if (waiting_.size() + bytes.size() > kMostWaiting) flush();
  if (bytes.size() > kMostWaiting) write_out(bytes);
  else waiting_ += bytes;
}

void Output::put_field(std::string_view bytes) {
  put(bytes);
  put(std::string_view("\0", 1));
}

void Output::flush() {
  write_out(waiting_);
  waiting_.clear();
}

}  // namespace tsrun::archive
