// Names as headers have them: those of pax libarchive cuts at a NUL, and where it fails at a header it tells none.
#ifndef TSRUN_ARCHIVE_PAX_NAMES_H_
#define TSRUN_ARCHIVE_PAX_NAMES_H_

#include <string>
#include <string_view>

namespace tsrun::archive {

// `headers`: all that stands in front of an entry's data, in blocks of 512 bytes. Go's archive/tar refuses such names as well, so that
// no other engine sees a name which this one does not.
bool names_hold_nul(std::string_view headers);

// What they call the entry: by an extended header, else by its own, else by the last that is whole. Empty where none is.
std::string name_in(std::string_view headers);

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_PAX_NAMES_H_
