// A tree, entry by entry, each folder before what is in it and names in order; never past a link, and past a mount only if wanted.
#ifndef TSRUN_ARCHIVE_WALK_H_
#define TSRUN_ARCHIVE_WALK_H_

#include <sys/stat.h>

#include <functional>
#include <string>

#include "archive/attributes.h"
#include "sys/fd.h"

namespace tsrun::archive {

struct Found {
  // From where the walk began; empty for that itself.
  const std::string& path;
  // Where it lies, and under which name.
  int folder;
  const char* name;
  const struct stat& status;
  // Of a folder or a regular file, open for reading; else -1.
  int fd;
};

struct WalkRules {
  // Where the path itself is a link, what it leads to.
  bool follow = false;
  // Also what is mounted in it, but for what the kernel shows of itself (/proc, /sys).
  bool mounts = false;
  // A folder whose tree it is, by descriptor; below 0 the program's own root.
  int root = -1;
};

// The first of the folders that came along: where the launcher puts what it hands over (native/steps/execute.cc).
inline constexpr int kFirstLayer = 5;

// What is no file of anybody's, and changes while it is read.
bool is_of_the_kernel(int fd);

// As `list` and `look` call it.
const char* type_word(const struct stat& status);

// Links on the way to it, and last in it, lead no further than the root. Not valid, with `errno`, when it is not there.
UniqueFd try_in_root(const std::string& path, bool follow, int flags, int root = -1);
// The same, but gives up then.
UniqueFd open_in_root(const std::string& path, bool follow, int flags, int root = -1);

// What is removed meanwhile is passed over: it may be a live container's.
void walk(const std::string& path, const WalkRules& rules, const std::function<void(const Found&)>& use);

std::string link_target(const Found& found);
// With the names in order.
Attributes attributes_of(const Found& found);

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_WALK_H_
