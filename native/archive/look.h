// `look`: what lies at a path, as the program says it in the end.
#ifndef TSRUN_ARCHIVE_LOOK_H_
#define TSRUN_ARCHIVE_LOOK_H_

#include <string>

namespace tsrun::archive {

// `{"type":"missing","parent":…}` where there is nothing, with what the folder is in which it would be.
int look_at(const std::string& path, bool follow);

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_LOOK_H_
