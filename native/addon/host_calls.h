// Small questions to the kernel that Node cannot ask.
#ifndef TSRUN_ADDON_HOST_CALLS_H_
#define TSRUN_ADDON_HOST_CALLS_H_

#include <napi.h>

namespace tsrun {

void InitHostCalls(Napi::Env env, Napi::Object exports);

}  // namespace tsrun

#endif  // TSRUN_ADDON_HOST_CALLS_H_
