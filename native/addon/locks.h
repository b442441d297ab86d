// Locks between processes: flock(2), which Node has not.
#ifndef TSRUN_ADDON_LOCKS_H_
#define TSRUN_ADDON_LOCKS_H_

#include <napi.h>

namespace tsrun {

void InitLocks(Napi::Env env, Napi::Object exports);

}  // namespace tsrun

#endif  // TSRUN_ADDON_LOCKS_H_
