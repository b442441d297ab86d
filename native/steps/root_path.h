// The only file that turns a path of the container into a descriptor. The root file system is hostile: every lookup
// stays inside the root's descriptor, whatever links and mounts it meets, and magic links are never followed
// (openat2(2), Linux 5.6).
#ifndef TSRUN_STEPS_ROOT_PATH_H_
#define TSRUN_STEPS_ROOT_PATH_H_

#include "plan/codec.h"
#include "sys/fd.h"

namespace tsrun {

enum class Links : bool { kRefuse, kFollowInside };

Status open_in_root(int root, const char* path, uint64_t flags, Links links, UniqueFd* into);

// Makes the folders of a path that are missing, one at a time; the last one too when `whole`.
Status make_directories(int root, Text path, uint32_t mode, bool whole);

enum class TargetKind : uint8_t { kDirectory, kFile };

// Opens a mount target (O_PATH), after making it and its parents when it is missing and `create` says so; where a link of the image
// leads nowhere, there.
Status open_target(int root, Text path, TargetKind kind, bool create, Links links, UniqueFd* into);

// Opens the folder that holds a path's last component, and gives that component.
Status open_parent(int root, Text path, UniqueFd* parent, const char** name);

}  // namespace tsrun

#endif  // TSRUN_STEPS_ROOT_PATH_H_
