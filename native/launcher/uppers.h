// Upper layers: what a container's writes go to, on disk or in memory, and which go with it.
#ifndef TSRUN_LAUNCHER_UPPERS_H_
#define TSRUN_LAUNCHER_UPPERS_H_

#include "launcher/launcher.h"

namespace tsrun {

// Has the file system hold what is below a folder to so many bytes, by a project of its own (quotactl_fd(2), Linux 5.14).
// ESRCH where project quotas are not enforced, EEXIST when somebody else has the project.
Status limit_project(int folder, uint32_t project, uint64_t bytes);

// Removes the container's upper layer, in a process of its own: it may hold a million files.
void remove_upper(Container& container);

// Closes what is kept of an upper layer in memory, and of mounts; by a process of its own where the kernel has much to free with the last close.
void let_go_of_memory(Container& container);

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_UPPERS_H_
