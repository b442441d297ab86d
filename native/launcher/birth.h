// The clone itself: a container's first process is born into a cgroup, into new namespaces, and into those it joins.
#ifndef TSRUN_LAUNCHER_BIRTH_H_
#define TSRUN_LAUNCHER_BIRTH_H_

#include "steps/launcher_steps.h"

namespace tsrun {

// With a failure there may be a child nevertheless, which is to be ended.
struct Birth {
  int pid = 0;
  UniqueFd pidfd;
  UniqueFd midwife;  // ended, or about to
};

// What the new process does. `live` never returns.
struct Newborn {
  void (*live)(void* argument);
  void* argument;
};

Status give_birth(LauncherContext& context, const Newborn& newborn, Birth* birth);

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_BIRTH_H_
