// The entries of a tar archive, whatever its dialect (ustar, pax, GNU, V7), by libarchive.
#ifndef TSRUN_ARCHIVE_TAR_READER_H_
#define TSRUN_ARCHIVE_TAR_READER_H_

#include <stdint.h>
#include <sys/stat.h>

#include <memory>
#include <string>
#include <string_view>

#include "archive/attributes.h"
#include "archive/input.h"

struct archive;
struct archive_entry;

namespace tsrun::archive {

// Bytes of a file, and where they belong: what is between them is a hole.
struct Piece {
  std::string_view bytes;
  int64_t offset;
};

class TarReader {
 public:
  explicit TarReader(Input& input);

  // False at the end of the archive.
  bool next();

  // As it stands in the archive, byte by byte.
  const std::string& name() const { return name_; }
  // S_IFREG and so on; a hard link has none.
  mode_t type() const;
  // Null unless it is such a link.
  const char* hard_link() const;
  const char* symlink() const;
  int64_t size() const;
  Attributes attributes() const;
  // False when there is no more.
  bool read(Piece* piece);

 private:
  struct Free {
    void operator()(struct ::archive* reader) const;
  };

  static ssize_t read_callback(struct ::archive* archive, void* self, const void** buffer);
  size_t missing_padding();
  // How much of the archive libarchive has used.
  uint64_t used() const;
  std::string_view header_in_piece(uint64_t end) const;
  // What was read of it, up to a place in the archive.
  std::string_view header(uint64_t end);
  // Nothing that was made up may be taken for what the archive holds.
  void check_whole(size_t more) const;
  [[noreturn]] void fail() const;
  // While it reads a header.
  [[noreturn]] void fail_in_header();
  const char* reason() const;

  Input& input_;
  uint64_t given_ = 0;
  bool padded_ = false;
  // The bytes that libarchive has, valid until it asks for more, and what it had before of the header that it is reading.
  std::string_view piece_;
  std::string header_;
  // Where the header of the current entry starts, with what extends it.
  uint64_t header_start_ = 0;
  // It looks at the first one to see whether it is one.
  bool reads_header_ = true;
  std::unique_ptr<struct ::archive, Free> reader_;
  struct ::archive_entry* entry_ = nullptr;
  std::string name_;
};

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_TAR_READER_H_
