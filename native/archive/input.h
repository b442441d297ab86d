// The standard input, decompressed: gzip, zstd, xz, bzip2 or plain, told by its first bytes. A thread of its own reads and
// decompresses into a few buffers, while the caller hashes and uses what is there.
#ifndef TSRUN_ARCHIVE_INPUT_H_
#define TSRUN_ARCHIVE_INPUT_H_

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "archive/digest.h"

struct archive;

namespace tsrun::archive {

struct InputSettings {
  // Else nobody compares a digest, so that the sums that gzip has of what it holds are checked, which libarchive does not.
  bool hash;
  // Unpacked bytes for each byte read, from kUncheckedBytes on; 0: any.
  uint64_t most_ratio;
};

class Input {
 public:
  explicit Input(const InputSettings& settings);
  ~Input();
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;

  // Valid until the next call; empty at the end.
  std::string_view next();
  // Named by what goes wrong from now on.
  void set_entry(std::string_view entry) {
    entry_ = entry;
    behind_ = false;
  }
  // From now on it goes wrong after that entry.
  void set_behind() { behind_ = true; }

  // At the end: what was read, and its digest; the digest of what came out of it.
  uint64_t read_bytes() const { return read_bytes_; }
  std::string read_digest() { return read_digest_.text(); }
  std::string plain_digest() { return plain_digest_.text(); }

 private:
  static constexpr size_t kBufferBytes = size_t{256} * 1024;
  static constexpr unsigned kBuffers = 4;

  struct Buffer {
    char data[kBufferBytes];
    size_t size = 0;
  };

  void run();
  void decompress();
  const char* decompress_by_libarchive();
  ssize_t read_some();
  void put(std::string_view bytes);
  void hand_on();
  void check_ratio() const;
  static ssize_t read_callback(struct ::archive* archive, void* self, const void** buffer);

  InputSettings settings_;
  std::string entry_;
  bool behind_ = true;

  // Of the thread.
  std::unique_ptr<char[]> raw_;
  // Of what is in it, what nobody has looked at yet.
  size_t unused_ = 0;
  uint64_t read_bytes_ = 0;
  uint64_t told_bytes_ = 0;
  uint64_t plain_bytes_ = 0;
  Digest read_digest_;

  // Of the caller.
  Digest plain_digest_;
  bool holds_one_ = false;

  // Of both.
  std::mutex mutex_;
  std::condition_variable changed_;
  std::unique_ptr<Buffer[]> buffers_;
  unsigned filled_ = 0;  // counts up; its remainder is the place
  unsigned used_ = 0;
  bool ended_ = false;
  const char* fault_ = nullptr;
  bool read_failed_ = false;
  int read_error_ = 0;
  std::thread thread_;
};

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_INPUT_H_
