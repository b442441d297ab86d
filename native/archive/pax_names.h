// Names in extended headers (pax), which libarchive cuts at a NUL.
#ifndef TSRUN_ARCHIVE_PAX_NAMES_H_
#define TSRUN_ARCHIVE_PAX_NAMES_H_

#include <string_view>

namespace tsrun::archive {

// `headers`: all that stands in front of an entry's data, in blocks of 512 bytes. Go's archive/tar refuses such names as well, so that
// no other engine sees a name which this one does not.
bool names_hold_nul(std::string_view headers);

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_PAX_NAMES_H_
