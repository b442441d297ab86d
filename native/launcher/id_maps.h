// User namespaces that exist only for their maps: mount_setattr(MOUNT_ATTR_IDMAP) wants one as a descriptor, before the
// container's own is born. They are kept by map, since ranges are used again and again: making one costs a clone.
#ifndef TSRUN_LAUNCHER_ID_MAPS_H_
#define TSRUN_LAUNCHER_ID_MAPS_H_

#include "launcher/watch.h"
#include "plan/codec.h"
#include "sys/fd.h"

namespace tsrun {

class IdMaps {
 public:
  explicit IdMaps(Loop& loop) : loop_(loop) {}
  // A new descriptor of a user namespace with these maps.
  Status open(Text uid_map, Text gid_map, UniqueFd* into);

 private:
  static constexpr int kCapacity = 64;

  struct Entry {
    char uid_map[64] = "";
    char gid_map[64] = "";
    UniqueFd fd;
  };

  Loop& loop_;
  Entry entries_[kCapacity];
  int next_ = 0;
};

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_ID_MAPS_H_
