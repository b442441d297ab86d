// `unpack`: an archive from the standard input into the root.
#ifndef TSRUN_ARCHIVE_UNPACK_H_
#define TSRUN_ARCHIVE_UNPACK_H_

#include <stdint.h>
#include <sys/types.h>

#include <string>

namespace tsrun::archive {

struct UnpackOrder {
  // A layer, with whiteouts; else plain files.
  bool layer = true;
  // Where it goes, from the root on; a folder that is there.
  std::string folder = ".";
  // Whose everything becomes, whatever the archive says.
  bool gives_owner = false;
  uid_t uid = 0;
  gid_t gid = 0;
  // No set-id bit and no capability, which would be another's for the new owner.
  bool drops_privileges = false;
  uint64_t most_bytes = 0;
  uint64_t most_entries = 0;
  uint64_t most_ratio = 0;
  // In whose name overlayfs keeps its attributes: the host's root, or a user's.
  bool user_attributes = false;
  // The layers below, if they are known: as many descriptors, the topmost first.
  bool knows_lower = false;
  unsigned lower_layers = 0;
};

int unpack(const UnpackOrder& order);

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_UNPACK_H_
