#include "archive/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "archive/failure.h"
#include "archive/locale.h"
#include "archive/output.h"

namespace tsrun::archive {
namespace {

// Files with several names beyond that are packed once a name, for want of memory.
constexpr size_t kMostLinked = 100'000;
// A file with more holes than that is packed with all its zeros.
constexpr size_t kMostParts = 4096;

struct FreeWriter {
  void operator()(struct ::archive* writer) const { archive_write_free(writer); }
};

struct FreeEntry {
  void operator()(struct ::archive_entry* entry) const { archive_entry_free(entry); }
};

class Packer {
 public:
  explicit Packer(const std::string& name) : name_(name), writer_(archive_write_new()), entry_(archive_entry_new()) {
    take_names_for_utf8();
    archive_write_set_format_pax_restricted(writer_.get());
    archive_write_set_options(writer_.get(), "xattrheader=SCHILY");
    archive_write_set_bytes_in_last_block(writer_.get(), 1);
    if (archive_write_open(writer_.get(), this, nullptr, write_callback, nullptr) != ARCHIVE_OK) fail("");
  }

  uint64_t entries() const { return entries_; }

  void add(const Found& found) {
    std::string path = name_ + (name_.empty() || found.path.empty() ? "" : "/") + found.path;
    if (path.empty() || S_ISSOCK(found.status.st_mode)) return;
    ++entries_;
    archive_entry_clear(entry_.get());
    archive_entry_copy_stat(entry_.get(), &found.status);
    archive_entry_copy_pathname(entry_.get(), path.c_str());
    if (S_ISLNK(found.status.st_mode)) archive_entry_copy_symlink(entry_.get(), link_target(found).c_str());
    for (const auto& [key, value] : attributes_of(found).extended)
      archive_entry_xattr_add_entry(entry_.get(), key.c_str(), value.data(), value.size());
    bool regular = S_ISREG(found.status.st_mode);
    bool linked = is_second_name(found.status, path);
    if (!regular || linked)
      archive_entry_set_size(entry_.get(), 0);
    else
      add_holes(found);
    int status = archive_write_header(writer_.get(), entry_.get());
    if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail(path);
    if (regular && !linked) add_data(found, path);
  }

  void finish() {
    if (archive_write_close(writer_.get()) != ARCHIVE_OK) fail("");
    output_.flush();
  }

 private:
  static la_ssize_t write_callback(struct ::archive*, void* self, const void* data, size_t size) {
    static_cast<Packer*>(self)->output_.put({static_cast<const char*>(data), size});
    return static_cast<la_ssize_t>(size);
  }

  bool is_second_name(const struct stat& status, const std::string& path) {
    if (S_ISDIR(status.st_mode) || status.st_nlink < 2) return false;
    auto known = first_names_.find({status.st_dev, status.st_ino});
    if (known == first_names_.end()) {
      if (first_names_.size() < kMostLinked) first_names_.emplace(std::make_pair(status.st_dev, status.st_ino), path);
      return false;
    }
    archive_entry_copy_hardlink(entry_.get(), known->second.c_str());
    return true;
  }

  // Where there is data; without holes nothing need be said.
  void add_holes(const Found& found) {
    parts_.clear();
    off_t size = found.status.st_size;
    bool whole = found.status.st_blocks * 512 >= size;
    for (off_t at = 0; at < size && !whole;) {
      off_t data = lseek(found.fd, at, SEEK_DATA);
      if (data < 0) break;  // ENXIO: nothing but a hole follows
      off_t end = std::min(lseek(found.fd, data, SEEK_HOLE), size);
      if (end <= data) break;
      parts_.push_back({data, end});
      at = end;
      whole = parts_.size() > kMostParts;
    }
    if (whole)
      parts_.assign(1, {0, size});
    else if (parts_.empty())
      archive_entry_sparse_add_entry(entry_.get(), size, 0);
    else
      for (const Part& part : parts_) archive_entry_sparse_add_entry(entry_.get(), part.begin, part.end - part.begin);
  }

  // Holes are passed to the writer as zeros, which it leaves out. What a live container's file has lost meanwhile is zeros as
  // well.
  void add_data(const Found& found, const std::string& path) {
    off_t at = 0;
    for (const Part& part : parts_) {
      put_zeros(part.begin - at, path);
      for (at = part.begin; at < part.end;) {
        ssize_t got = pread(found.fd, buffer_, std::min<size_t>(sizeof buffer_, static_cast<size_t>(part.end - at)), at);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) give_up(path, "read");
        if (got == 0) return;
        if (archive_write_data(writer_.get(), buffer_, static_cast<size_t>(got)) < 0) fail(path);
        at += got;
      }
    }
    put_zeros(found.status.st_size - at, path);
  }

  void put_zeros(off_t count, const std::string& path) {
    static const char zeros[sizeof buffer_] = {};
    while (count > 0) {
      size_t part = std::min<size_t>(sizeof zeros, static_cast<size_t>(count));
      if (archive_write_data(writer_.get(), zeros, part) < 0) fail(path);
      count -= static_cast<off_t>(part);
    }
  }

  [[noreturn]] void fail(const std::string& path) {
    const char* message = archive_error_string(writer_.get());
    refuse(path, message == nullptr ? "it cannot be packed" : message);
  }

  struct Part {
    off_t begin;
    off_t end;
  };

  std::string name_;
  std::unique_ptr<struct ::archive, FreeWriter> writer_;
  std::unique_ptr<struct ::archive_entry, FreeEntry> entry_;
  Output output_;
  std::map<std::pair<dev_t, ino_t>, std::string> first_names_;
  std::vector<Part> parts_;
  uint64_t entries_ = 0;
  char buffer_[256 * 1024];
};

}  // namespace

int pack(const std::string& path, const WalkRules& rules, const std::string& name) {
  Packer packer(name);
  walk(path, rules, [&packer](const Found& found) { packer.add(found); });
  packer.finish();
  say("{\"entries\":" + std::to_string(packer.entries()) + "}");
  return 0;
}

}  // namespace tsrun::archive
