#include "addon/seccomp.h"

#include <string.h>

#include "engine/seccomp.h"

namespace tsrun::seccomp {
namespace {

Napi::Value CompileFromJs(const Napi::CallbackInfo& info) {
  Napi::Env env = info.Env();
  if (info.Length() != 1 || !info[0].IsTypedArray() ||
      info[0].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array) {
    Napi::TypeError::New(env, "compileSeccomp takes one Uint8Array").ThrowAsJavaScriptException();
    return env.Undefined();
  }
  auto profile = info[0].As<Napi::Uint8Array>();
  std::vector<uint8_t> bpf;
  Failure failure;
  if (!CompileSeccomp(profile.Data(), profile.ByteLength(), &bpf, &failure)) {
    Napi::Error error = Napi::Error::New(env, std::string(failure.syscall) + ": " + strerror(failure.error));
    error.Set("syscall", Napi::String::New(env, failure.syscall));
    error.Set("errno", Napi::Number::New(env, failure.error));
    error.Set("detail", Napi::String::New(env, failure.detail));
    error.ThrowAsJavaScriptException();
    return env.Undefined();
  }
  Napi::Uint8Array result = Napi::Uint8Array::New(env, bpf.size());
  if (!bpf.empty()) memcpy(result.Data(), bpf.data(), bpf.size());
  return result;
}

}  // namespace

void InitSeccomp(Napi::Env env, Napi::Object exports) {
  exports.Set("compileSeccomp", Napi::Function::New(env, CompileFromJs, "compileSeccomp"));
}

}  // namespace tsrun::seccomp
