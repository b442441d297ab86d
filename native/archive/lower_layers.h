// The layers below, merged by name as overlayfs would: opened by descriptors that lead nowhere else, never written.
#ifndef TSRUN_ARCHIVE_LOWER_LAYERS_H_
#define TSRUN_ARCHIVE_LOWER_LAYERS_H_

#include <sys/stat.h>

#include <string>
#include <vector>

#include "sys/fd.h"

namespace tsrun::archive {

// One thing in the merged view: the topmost layer's, and for a folder those that are merged below it.
struct LowerPlace {
  enum class Kind { kMissing, kFolder, kLink, kOther };

  Kind kind = Kind::kMissing;
  // Opened with O_PATH; the topmost first.
  std::vector<UniqueFd> fds;
  struct stat status {};
};

class LowerLayers {
 public:
  // `count` descriptors from `first` on, the topmost first.
  LowerLayers(int first, unsigned count, const char* opaque_attribute) : first_(first), count_(count), opaque_(opaque_attribute) {}

  LowerPlace root() const;
  // The child of a merged folder.
  LowerPlace child(const LowerPlace& folder, const char* name) const;
  // By its parts, through no link.
  LowerPlace find(const std::vector<std::string>& parts) const;
  // Names in the merged root, in no order, those of whiteouts too.
  std::vector<std::string> root_names() const;

 private:
  bool is_opaque(int folder) const;

  int first_;
  unsigned count_;
  const char* opaque_;
};

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_LOWER_LAYERS_H_
