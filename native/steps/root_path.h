// The only file that turns a path of the container into a descriptor. The root file system is hostile: every lookup
// stays inside the root's descriptor, whatever links and mounts it meets, and magic links are never followed
// (openat2(2), Linux 5.6).
#ifndef TSRUN_STEPS_ROOT_PATH_H_
#define TSRUN_STEPS_ROOT_PATH_H_

#include "plan/codec.h"
#include "sys/fd.h"

namespace tsrun {

// kFollowInImage: links of the image, but into nothing that is mounted in it.
// kTakeLast: one at the end of the path is what is opened, any other is refused.
enum class Links : uint8_t { kRefuse, kFollowInside, kFollowInImage, kTakeLast };

Status open_in_root(int root, const char* path, uint64_t flags, Links links, UniqueFd* into);

// What follows makes things, or finds the place of something that is going to be attached. A path is taken as it was asked for,
// whatever is mounted on the way; where a link of the image is on it, it leads into the image alone. Through a link the image would
// choose a place in a volume, which is the host's: with the runtime's rights, and on a mount that may propagate to the host.

// Makes the folders that lead to a path and are missing, one at a time.
Status make_parents(int root, Text path);

enum class TargetKind : uint8_t { kDirectory, kFile };

// Opens a mount target (O_PATH), after making it and its parents when it is missing; where a link of the image leads nowhere,
// there. `links`: any but kFollowInside.
Status open_target(int root, Text path, TargetKind kind, Links links, UniqueFd* into);

// Opens the folder that holds a path's last component, and gives that component.
Status open_parent(int root, Text path, UniqueFd* parent, const char** name);

}  // namespace tsrun

#endif  // TSRUN_STEPS_ROOT_PATH_H_
