// `pack`: a tree as a tar archive (pax, where an entry needs it) on the standard output.
#ifndef TSRUN_ARCHIVE_PACK_H_
#define TSRUN_ARCHIVE_PACK_H_

#include <string>

#include "archive/walk.h"

namespace tsrun::archive {

// `name`: what it is called in the archive, with what is in it below; empty for a folder whose contents alone are wanted.
int pack(const std::string& path, const WalkRules& rules, const std::string& name);

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_PACK_H_
