// A tree, entry by entry, each folder before what is in it and names in order; never past a mount or a link.
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

// Links on the way to it, and last in it, lead no further than the root. Gives up when it is not there.
UniqueFd open_in_root(const std::string& path, bool follow, int flags);

// What is removed meanwhile is passed over: it may be a live container's.
void walk(const std::string& path, bool follow, const std::function<void(const Found&)>& use);

std::string link_target(const Found& found);
// With the names in order.
Attributes attributes_of(const Found& found);

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_WALK_H_
