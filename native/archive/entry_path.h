// A name as an archive has it, taken apart: it always lies below the root, and says nothing of the host.
#ifndef TSRUN_ARCHIVE_ENTRY_PATH_H_
#define TSRUN_ARCHIVE_ENTRY_PATH_H_

#include <string>
#include <string_view>
#include <vector>

namespace tsrun::archive {

class EntryPath {
 public:
  EntryPath() = default;
  // Why the name is none that may be used; null when it is one. A slash in front is passed over, as every other engine does (ko
  // writes such layers); `.` and double slashes as well.
  const char* parse(std::string_view name);

  bool is_root() const { return parts_.empty(); }
  // Without slashes at either end.
  const std::string& text() const { return text_; }
  // Of the folder in which it lies; empty for the root's.
  std::string_view parent() const;
  const char* name() const { return text_.c_str() + (text_.size() - parts_.back().size()); }
  const std::vector<std::string>& parts() const { return parts_; }

 private:
  std::vector<std::string> parts_;
  std::string text_;
};

enum class Meaning {
  kEntry,
  kWhiteout,  // `.wh.NAME`
  kOpaque,    // `.wh..wh..opq`
  kAufs,      // what AUFS kept for itself, as docker passes over it
  kInvalid,
};

// layer.md of image-spec, "Whiteouts".
Meaning meaning_of(const EntryPath& path);

inline constexpr std::string_view kWhiteoutPrefix = ".wh.";

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_ENTRY_PATH_H_
