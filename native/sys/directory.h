// What getdents64(2) gives.
#ifndef TSRUN_SYS_DIRECTORY_H_
#define TSRUN_SYS_DIRECTORY_H_

#include <stdint.h>
#include <string.h>

namespace tsrun {

struct DirectoryEntry {
  uint64_t inode;
  int64_t offset;
  uint16_t size;
  uint8_t type;
  char name[];
};

inline bool is_dots(const char* name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

}  // namespace tsrun

#endif  // TSRUN_SYS_DIRECTORY_H_
