// gzip (RFC 1952) whose sums and lengths are checked, by zlib: libarchive (3.6) leaves them out.
#ifndef TSRUN_ARCHIVE_GZIP_H_
#define TSRUN_ARCHIVE_GZIP_H_

#include <functional>
#include <string_view>

namespace tsrun::archive {

bool is_gzip(std::string_view head);

// All members, one after the other; what follows them is passed over, as gzip(1) does. `read` gives nothing at the end, `write` says
// whether to go on. Null, or why it is refused.
const char* decompress_gzip(const std::function<std::string_view()>& read, const std::function<bool(std::string_view)>& write);

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_GZIP_H_
