#include "archive/lower_layers.h"

#include <dirent.h>
#include <errno.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "archive/failure.h"
#include "archive/files.h"

namespace tsrun::archive {
namespace {

UniqueFd open_place(int folder, const char* name) { return UniqueFd(openat(folder, name, O_PATH | O_NOFOLLOW | O_CLOEXEC)); }

}  // namespace

LowerPlace LowerLayers::root() const {
  LowerPlace place;
  place.kind = LowerPlace::Kind::kFolder;
  for (unsigned layer = 0; layer < count_; ++layer) place.fds.push_back(open_place(first_ + static_cast<int>(layer), "."));
  if (count_ > 0 && fstat(place.fds[0].get(), &place.status) != 0) give_up("", "fstat");
  return place;
}

LowerPlace LowerLayers::child(const LowerPlace& folder, const char* name) const {
  LowerPlace found;
  for (const UniqueFd& layer : folder.fds) {
    UniqueFd place = open_place(layer.get(), name);
    if (!place.valid() && errno == ENOENT) continue;
    struct stat status {};
    if (!place.valid() || fstat(place.get(), &status) != 0) give_up(name, "open");
    bool first = found.kind == LowerPlace::Kind::kMissing;
    if (!S_ISDIR(status.st_mode)) {
      if (!first || is_whiteout(status)) break;
      found.kind = S_ISLNK(status.st_mode) ? LowerPlace::Kind::kLink : LowerPlace::Kind::kOther;
    } else {
      found.kind = LowerPlace::Kind::kFolder;
    }
    if (first) found.status = status;
    bool last = !S_ISDIR(status.st_mode) || is_opaque(place.get());
    found.fds.push_back(static_cast<UniqueFd&&>(place));
    if (last) break;
  }
  return found;
}

LowerPlace LowerLayers::find(const std::vector<std::string>& parts) const {
  LowerPlace place = root();
  for (const std::string& part : parts) {
    if (place.kind != LowerPlace::Kind::kFolder) return {};
    place = child(place, part.c_str());
  }
  return place;
}

std::vector<std::string> LowerLayers::root_names() const {
  std::vector<std::string> names;
  for (const UniqueFd& layer : root().fds) {
    for_each_name(layer.get(), [&names](const char* name) { names.emplace_back(name); });
  }
  return names;
}

// An O_PATH descriptor has no attributes of its own (EBADF), and there is no /proc here to name it by.
bool LowerLayers::is_opaque(int folder) const {
  UniqueFd readable(openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!readable.valid()) give_up("", "open");
  char value = 0;
  return fgetxattr(readable.get(), opaque_, &value, 1) == 1 && value == 'y';
}

}  // namespace tsrun::archive
