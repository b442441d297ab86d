#include "archive/entry_path.h"

#include <limits.h>

#include <algorithm>

namespace tsrun::archive {
namespace {

// More than any real tree has; each folder costs a look-up for each entry in it.
constexpr size_t kMostDepth = 256;

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

}  // namespace

const char* EntryPath::parse(std::string_view name) {
  parts_.clear();
  text_.clear();
  if (name.empty()) return "it has no name";
  while (!name.empty()) {
    size_t end = std::min(name.find('/'), name.size());
    std::string_view part = name.substr(0, end);
    name.remove_prefix(std::min(end + 1, name.size()));
    if (part.empty() || part == ".") continue;
    if (part == "..") return "its name leads out of its folder";
    if (part.size() > NAME_MAX) return "its name has a part of more than 255 bytes";
    parts_.emplace_back(part);
  }
  if (parts_.size() > kMostDepth) return "it lies more than 256 folders deep";
  for (const std::string& part : parts_) {
    if (!text_.empty()) text_ += '/';
    text_ += part;
  }
  return text_.size() < PATH_MAX ? nullptr : "its name has more than 4095 bytes";
}

std::string_view EntryPath::parent() const {
  std::string_view text = text_;
  return text.substr(0, parts_.size() < 2 ? 0 : text_.size() - parts_.back().size() - 1);
}

Meaning meaning_of(const EntryPath& path) {
  const std::vector<std::string>& parts = path.parts();
  for (size_t index = 0; index < parts.size(); ++index) {
    const std::string& part = parts[index];
    if (!starts_with(part, kWhiteoutPrefix)) continue;
    bool last = index + 1 == parts.size();
    if (last && part == ".wh..wh..opq") return Meaning::kOpaque;
    if (starts_with(part, ".wh..wh.")) return Meaning::kAufs;
    if (!last || part == ".wh." || part == ".wh.." || part == ".wh...") return Meaning::kInvalid;
    return Meaning::kWhiteout;
  }
  return Meaning::kEntry;
}

}  // namespace tsrun::archive
