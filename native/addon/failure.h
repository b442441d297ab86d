// A failed system call as a JavaScript error with `syscall` and `errno` (positive), which TypeScript makes readable.
#ifndef TSRUN_ADDON_FAILURE_H_
#define TSRUN_ADDON_FAILURE_H_

#include <napi.h>

namespace tsrun {

inline Napi::Value throw_failure(Napi::Env env, const char* syscall, int error) {
  Napi::Error failure = Napi::Error::New(env, std::string(syscall) + " failed");
  failure.Set("syscall", Napi::String::New(env, syscall));
  failure.Set("errno", Napi::Number::New(env, error));
  failure.ThrowAsJavaScriptException();
  return env.Undefined();
}

inline Napi::Value throw_usage(Napi::Env env, const char* message) {
  Napi::TypeError::New(env, message).ThrowAsJavaScriptException();
  return env.Undefined();
}

}  // namespace tsrun

#endif  // TSRUN_ADDON_FAILURE_H_
