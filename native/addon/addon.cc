// The Node-API surface: start the launcher, pass plans and descriptors, compile seccomp filters, lock files. No state, and no
// thread but one for each lock that is waited for.
#include <napi.h>

#include "addon/host_calls.h"
#include "addon/launcher_process.h"
#include "addon/locks.h"
#include "addon/seccomp.h"

// Where _GLIBCXX_ASSERTIONS ends. That of libstdc++ itself is of GCC 12, and with it the addon would not load beside an older one.
namespace std {  // NOLINT(cert-dcl58-cpp)
void __glibcxx_assert_fail(const char*, int, const char*, const char*) noexcept { __builtin_trap(); }  // NOLINT
}  // namespace std

namespace {

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  tsrun::InitLauncherProcess(env, exports);
  tsrun::InitHostCalls(env, exports);
  tsrun::InitLocks(env, exports);
  tsrun::seccomp::InitSeccomp(env, exports);
  return exports;
}

}  // namespace

NODE_API_MODULE(NODE_GYP_MODULE_NAME, Init)
