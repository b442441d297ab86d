// `expand`: the standard input, decompressed, on the standard output.
#ifndef TSRUN_ARCHIVE_EXPAND_H_
#define TSRUN_ARCHIVE_EXPAND_H_

#include <stdint.h>

namespace tsrun::archive {

int expand(uint64_t most_bytes, uint64_t most_ratio);

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_EXPAND_H_
