// Looking at and removing what lies in a folder, by descriptors and single names.
#ifndef TSRUN_ARCHIVE_FILES_H_
#define TSRUN_ARCHIVE_FILES_H_

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include <functional>

#include "sys/fd.h"

namespace tsrun::archive {

// As overlayfs has it (overlayfs.rst, "whiteouts and opaque directories").
inline bool is_whiteout(const struct stat& status) { return S_ISCHR(status.st_mode) && status.st_rdev == makedev(0, 0); }

// False when there is nothing.
bool look(int folder, const char* name, struct stat* status);

// `use` may remove what it is told of.
void for_each_name(int folder, const std::function<void(const char*)>& use);

// A folder with all that is in it.
void remove_all(int folder, const char* name);

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_FILES_H_
