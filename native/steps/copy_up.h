// The contents of a folder of the root in a file system that covers it (`tmpcopyup`).
#ifndef TSRUN_STEPS_COPY_UP_H_
#define TSRUN_STEPS_COPY_UP_H_

#include "sys/fd.h"

namespace tsrun {

// Files, folders, links, nodes, with owner, mode and time of change; of what is mounted below, nothing. `from` may be an O_PATH descriptor.
Status copy_folder(int from, int to);

// Of the folder itself.
Status copy_owner_and_mode(int from, int to);

}  // namespace tsrun

#endif  // TSRUN_STEPS_COPY_UP_H_
