#include "archive/tar_reader.h"

#include <archive.h>
#include <archive_entry.h>
#include <string.h>

#include <algorithm>

#include "archive/failure.h"
#include "archive/pax_names.h"

namespace tsrun::archive {
namespace {

// (uid_t)-1 means "leave it" to chown(2).
constexpr int64_t kMostId = 4294967294;
constexpr size_t kBlockBytes = 512;

// Names are kept byte by byte, so that it does not matter what they mean in some character set.
bool is_about_characters(const char* message) {
  return message != nullptr && strstr(message, "can't be converted from") != nullptr;
}

}  // namespace

TarReader::TarReader(Input& input) : input_(input), reader_(archive_read_new()) {
  archive_read_support_format_tar(reader_.get());
  archive_read_support_format_empty(reader_.get());
  if (archive_read_open(reader_.get(), this, nullptr, read_callback, nullptr) != ARCHIVE_OK) fail_in_header();
}

void TarReader::Free::operator()(struct ::archive* reader) const { archive_read_free(reader); }

ssize_t TarReader::read_callback(struct ::archive*, void* self, const void** buffer) {
  auto* reader = static_cast<TarReader*>(self);
  if (reader->reads_header_) {
    reader->header_ += reader->header_in_piece(reader->given_);
    reader->input_.set_behind();
  }
  std::string_view bytes = reader->input_.next();
  reader->given_ += bytes.size();
  reader->piece_ = bytes;
  if (!bytes.empty()) {
    *buffer = bytes.data();
    return static_cast<ssize_t>(bytes.size());
  }
  static constexpr char kZeros[kBlockBytes] = {};
  *buffer = kZeros;
  return static_cast<ssize_t>(reader->missing_padding());
}

// Go's archive/tar writes the end of the last block, and of the archive, only when the writer is closed, and reads archives without
// either; `umoci insert` (0.4.7) makes such layers. libarchive wants the former.
size_t TarReader::missing_padding() {
  size_t rest = given_ % kBlockBytes;
  if (padded_ || rest == 0 || given_ < kBlockBytes) return 0;
  padded_ = true;
  return kBlockBytes - rest;
}

void TarReader::check_whole(size_t more) const {
  if (!padded_ || used() + more <= given_) return;
  refuse(name_, "the archive ends in the middle of it");
}

uint64_t TarReader::used() const { return static_cast<uint64_t>(archive_filter_bytes(reader_.get(), 0)); }

// What of it lies in the current piece, up to a place in the archive.
std::string_view TarReader::header_in_piece(uint64_t end) const {
  uint64_t piece_start = given_ - piece_.size();
  uint64_t from = std::max(header_start_, piece_start);
  return end <= from || from >= given_ ? std::string_view() : piece_.substr(from - piece_start, end - from);
}

std::string_view TarReader::header(uint64_t end) {
  std::string_view rest = header_in_piece(end);
  if (header_.empty()) return rest;
  header_ += rest;
  return header_;
}

bool TarReader::next() {
  if (entry_ != nullptr && archive_read_data_skip(reader_.get()) != ARCHIVE_OK) fail();
  header_start_ = used();
  header_.clear();
  reads_header_ = true;
  int status = archive_read_next_header(reader_.get(), &entry_);
  if (status == ARCHIVE_EOF) {
    input_.set_behind();
    return false;
  }
  if (status != ARCHIVE_OK && !(status == ARCHIVE_WARN && is_about_characters(archive_error_string(reader_.get())))) fail_in_header();
  reads_header_ = false;
  const char* name = archive_entry_pathname(entry_);
  name_ = name == nullptr ? "" : name;
  input_.set_entry(name_);
  check_whole(0);
  if (names_hold_nul(header(used()))) refuse(name_, "a name in its extended header holds a NUL");
  return true;
}

mode_t TarReader::type() const { return archive_entry_filetype(entry_); }

const char* TarReader::hard_link() const { return archive_entry_hardlink(entry_); }

const char* TarReader::symlink() const { return archive_entry_symlink(entry_); }

int64_t TarReader::size() const { return archive_entry_size(entry_); }

Attributes TarReader::attributes() const {
  Attributes attributes;
  int64_t uid = archive_entry_uid(entry_);
  int64_t gid = archive_entry_gid(entry_);
  if (uid < 0 || uid > kMostId || gid < 0 || gid > kMostId) refuse(name_, "its owner is no number from 0 to 4294967294");
  attributes.uid = static_cast<uid_t>(uid);
  attributes.gid = static_cast<gid_t>(gid);
  attributes.mode = archive_entry_perm(entry_) & 07777;
  attributes.mtime = {archive_entry_mtime(entry_), archive_entry_mtime_nsec(entry_)};
  archive_entry_xattr_reset(entry_);
  const char* key;
  const void* value;
  size_t size;
  while (archive_entry_xattr_next(entry_, &key, &value, &size) == ARCHIVE_OK) {
    if (key != nullptr && keeps_extended(key))
      attributes.extended.emplace_back(key, std::string(static_cast<const char*>(value), size));
  }
  return attributes;
}

bool TarReader::read(Piece* piece) {
  const void* data;
  size_t size;
  int status = archive_read_data_block(reader_.get(), &data, &size, &piece->offset);
  if (status == ARCHIVE_EOF) return false;
  if (status != ARCHIVE_OK) fail();
  check_whole(size);
  piece->bytes = {static_cast<const char*>(data), size};
  return true;
}

void TarReader::fail() const { refuse(name_, reason()); }

// By the name that stands there; where none does, by the entry before.
void TarReader::fail_in_header() {
  std::string name = name_in(header(given_));
  if (name.empty()) refuse_behind(name_, reason());
  refuse(name, reason());
}

const char* TarReader::reason() const {
  const char* message = archive_error_string(reader_.get());
  return message == nullptr ? "the archive is damaged" : message;
}

}  // namespace tsrun::archive
