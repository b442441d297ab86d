#include "archive/input.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>

#include <algorithm>
#include <utility>

#include "archive/failure.h"
#include "archive/gzip.h"

namespace tsrun::archive {
namespace {

// A short text of repeated bytes is no attack.
constexpr uint64_t kUncheckedBytes = 10'000'000;
constexpr uint64_t kProgressBytes = 1 << 20;

constexpr uint64_t kOrdinaryWindow = 8 << 20;

// The program may use little memory, but more where the decoder of this archive needs it for its window (`xz -9`, `zstd --long`).
void make_room_for_window(std::string_view head) {
  ZSTD_frameHeader zstd{};
  bool large = head.substr(0, 6) == std::string_view("\xfd" "7zXZ\0", 6);
  if (ZSTD_getFrameHeader(&zstd, head.data(), head.size()) == 0) large = zstd.frameType == ZSTD_frame && zstd.windowSize > kOrdinaryWindow;
  rlimit room{};
  if (!large || getrlimit(RLIMIT_DATA, &room) != 0) return;
  room.rlim_cur = room.rlim_max;
  (void)setrlimit(RLIMIT_DATA, &room);
}

}  // namespace

Input::Input(const InputSettings& settings)
    : settings_(settings), raw_(new char[kBufferBytes]), buffers_(new Buffer[kBuffers]), thread_([this] { run(); }) {}

Input::~Input() { thread_.join(); }

std::string_view Input::next() {
  std::unique_lock lock(mutex_);
  if (holds_one_) ++used_;
  holds_one_ = false;
  changed_.notify_all();
  changed_.wait(lock, [this] { return used_ != filled_ || ended_; });
  if (used_ == filled_) {
    errno = read_error_;
    if (read_failed_) give_up(entry_, "read");
    if (fault_ != nullptr) behind_ ? refuse_behind(entry_, fault_) : refuse(entry_, fault_);
    return {};
  }
  holds_one_ = true;
  const Buffer& buffer = buffers_[used_ % kBuffers];
  lock.unlock();
  std::string_view bytes(buffer.data, buffer.size);
  if (settings_.hash) plain_digest_.add(bytes);
  return bytes;
}

void Input::run() {
  decompress();
  std::unique_lock lock(mutex_);
  ended_ = true;
  lock.unlock();
  changed_.notify_all();
}

// Into `raw_`.
ssize_t Input::read_some() {
  if (unused_ > 0) return static_cast<ssize_t>(std::exchange(unused_, 0));
  ssize_t size;
  do {
    size = read(STDIN_FILENO, raw_.get(), kBufferBytes);
  } while (size < 0 && errno == EINTR);
  if (size < 0) {
    read_error_ = errno;
    read_failed_ = true;
    return -1;
  }
  auto count = static_cast<size_t>(size);
  if (read_bytes_ == 0) make_room_for_window({raw_.get(), count});
  if (settings_.hash) read_digest_.add({raw_.get(), count});
  read_bytes_ += count;
  if (read_bytes_ - told_bytes_ >= kProgressBytes) {
    told_bytes_ = read_bytes_;
    say("{\"read\":" + std::to_string(read_bytes_) + "}");
  }
  return size;
}

ssize_t Input::read_callback(struct ::archive* archive, void* self, const void** buffer) {
  auto* input = static_cast<Input*>(self);
  ssize_t size = input->read_some();
  if (size < 0) archive_set_error(archive, input->read_error_, "read");
  *buffer = input->raw_.get();
  return size;
}

void Input::decompress() {
  auto first = static_cast<size_t>(std::max<ssize_t>(read_some(), 0));
  unused_ = first;
  const char* fault = nullptr;
  if (!settings_.hash && is_gzip({raw_.get(), first})) {
    auto more = [this] { return std::string_view(raw_.get(), static_cast<size_t>(std::max<ssize_t>(read_some(), 0))); };
    auto take = [this](std::string_view bytes) {
      put(bytes);
      return fault_ == nullptr;
    };
    fault = decompress_gzip(more, take);
  } else if (!read_failed_) {
    fault = decompress_by_libarchive();
  }
  if (fault_ == nullptr) fault_ = fault;
  hand_on();
  // What follows the compressed data belongs to the blob, and so to its digest.
  while (fault_ == nullptr && !read_failed_ && read_some() > 0) {
  }
}

// Null, or why it is refused.
const char* Input::decompress_by_libarchive() {
  struct ::archive* reader = archive_read_new();
  struct ::archive_entry* entry;
  archive_read_support_filter_gzip(reader);
  archive_read_support_filter_zstd(reader);
  archive_read_support_filter_xz(reader);
  archive_read_support_filter_bzip2(reader);
  archive_read_support_format_raw(reader);
  archive_read_support_format_empty(reader);
  int status = archive_read_open(reader, this, nullptr, read_callback, nullptr);
  if (status == ARCHIVE_OK) status = archive_read_next_header(reader, &entry);
  while (status == ARCHIVE_OK && fault_ == nullptr) {
    const void* data;
    size_t size;
    int64_t offset;
    status = archive_read_data_block(reader, &data, &size, &offset);
    if (status == ARCHIVE_OK) put({static_cast<const char*>(data), size});
  }
  const char* fault = nullptr;
  if (status != ARCHIVE_EOF) {
    const char* why = archive_error_string(reader);
    fault = why == nullptr ? "it cannot be decompressed" : strdup(why);
  }
  archive_read_free(reader);
  return fault;
}

void Input::put(std::string_view bytes) {
  plain_bytes_ += bytes.size();
  if (settings_.most_ratio != 0 && plain_bytes_ > kUncheckedBytes && plain_bytes_ / settings_.most_ratio > read_bytes_) {
    fault_ = "it unpacks to more bytes for each of its own than the limit allows";
    return;
  }
  while (!bytes.empty()) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return filled_ - used_ < kBuffers; });
    Buffer& buffer = buffers_[filled_ % kBuffers];
    lock.unlock();
    size_t part = std::min(bytes.size(), kBufferBytes - buffer.size);
    memcpy(buffer.data + buffer.size, bytes.data(), part);
    buffer.size += part;
    bytes.remove_prefix(part);
    if (buffer.size == kBufferBytes) hand_on();
  }
}

// The buffer that is being filled is the caller's from now on; the next one starts empty.
void Input::hand_on() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return filled_ - used_ < kBuffers; });
  if (buffers_[filled_ % kBuffers].size == 0) return;
  ++filled_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return filled_ - used_ < kBuffers; });
  buffers_[filled_ % kBuffers].size = 0;
}

}  // namespace tsrun::archive
