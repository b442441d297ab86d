// Exports compileSeccomp(profile: Uint8Array): Uint8Array. Its errors have `syscall`, `errno` (positive) and `detail`.
#ifndef TSRUN_ADDON_SECCOMP_H_
#define TSRUN_ADDON_SECCOMP_H_

#include <napi.h>

namespace tsrun::seccomp {

void InitSeccomp(Napi::Env env, Napi::Object exports);

}  // namespace tsrun::seccomp

#endif  // TSRUN_ADDON_SECCOMP_H_
