// Event files of a cgroup (`memory.events`, `pids.events` …) and pressure files: each change is reported with the file's content.
#ifndef TSRUN_LAUNCHER_CGROUP_WATCH_H_
#define TSRUN_LAUNCHER_CGROUP_WATCH_H_

#include "launcher/container.h"
#include "plan/codec.h"

namespace tsrun {

Status watch_cgroup_file(Loop& loop, Container& container, int cgroup, Text name);
Status watch_pressure(Loop& loop, Container& container, int cgroup, Text name, Text trigger);
// Of the containers of a client that reads again.
void report_missed_changes(Client& client);
void end_cgroup_watches(Loop& loop, Container& container);

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_CGROUP_WATCH_H_
