// Processes that the launcher makes for a moment's work.
#ifndef TSRUN_LAUNCHER_HELPERS_H_
#define TSRUN_LAUNCHER_HELPERS_H_

#include "launcher/watch.h"
#include "sys/fd.h"

namespace tsrun {

// Reaps a process that has ended, or is about to, without waiting for it.
void reap_in_time(Loop& loop, UniqueFd process);

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_HELPERS_H_
