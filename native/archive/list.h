// `list`: what lies in a tree, as records of fields that end with a NUL each.
#ifndef TSRUN_ARCHIVE_LIST_H_
#define TSRUN_ARCHIVE_LIST_H_

#include <string>

namespace tsrun::archive {

// `content`: with digests of the files' contents. `root`: a folder whose tree it is, by descriptor.
int list(int root, const std::string& path, bool follow, bool content);

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_LIST_H_
