// A process that enters a container's pid namespace last (steps/entry.cc): who bears it is the launcher's child before it.
#ifndef TSRUN_LAUNCHER_ENTRY_H_
#define TSRUN_LAUNCHER_ENTRY_H_

#include "launcher/container.h"

namespace tsrun {

inline bool has_yet_to_enter(const Container& container) { return container.entry_births.valid(); }

// Who bore it was reaped: from now on what is inside is the process. False when nobody is.
bool follow_entry(Container& container);

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_ENTRY_H_
