// Upper layers that lie on disk: folders that a container's writes go to, and which go with it.
#ifndef TSRUN_LAUNCHER_UPPERS_H_
#define TSRUN_LAUNCHER_UPPERS_H_

#include "launcher/launcher.h"

namespace tsrun {

// Has the file system hold what is below a folder to so many bytes, by a project of its own (quotactl_fd(2), Linux 5.14).
// ESRCH where project quotas are not enforced, EEXIST when somebody else has the project.
Status limit_project(int folder, uint32_t project, uint64_t bytes);

// Removes the container's upper layer, in a process of its own: it may hold a million files.
void remove_upper(Container& container);

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_UPPERS_H_
