// The Node-API surface: start the launcher, pass plans and descriptors, compile seccomp filters. No state, no threads.
#include <napi.h>

#include "addon/host_calls.h"
#include "addon/launcher_process.h"
#include "addon/seccomp.h"

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  tsrun::InitLauncherProcess(env, exports);
  tsrun::InitHostCalls(env, exports);
  tsrun::seccomp::InitSeccomp(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
