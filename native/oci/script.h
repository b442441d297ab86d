// QuickJS as this program uses it: functions of the host that scripts call, their arguments and their failures.
#ifndef TSRUN_OCI_SCRIPT_H_
#define TSRUN_OCI_SCRIPT_H_

#include <quickjs/quickjs.h>
#include <stddef.h>
#include <stdint.h>

#include <string>
#include <vector>

#include "engine/failure.h"

namespace tsrun::oci {

struct HostFunction {
  const char* name;
  int argument_count;
  JSCFunction* run;
};

template <size_t kCount>
void define(JSContext* context, JSValueConst object, const HostFunction (&functions)[kCount]) {
  for (const HostFunction& each : functions) {
    JS_SetPropertyStr(context, object, each.name, JS_NewCFunction(context, each.run, each.name, each.argument_count));
  }
}

// An error with `syscall` and `errno` (positive), as the addon's.
JSValue throw_failure(JSContext* context, const char* syscall, int error);

inline JSValue throw_failure(JSContext* context, const engine::Failure& failure) {
  return throw_failure(context, failure.syscall, failure.error);
}

// The result, or a failure of the call that set errno.
JSValue number_or_throw(JSContext* context, const char* syscall, int64_t result);

// Arguments. What is of another type becomes empty, 0 or false: scripts are type-checked before they come here.
std::string text_of(JSContext* context, JSValueConst value);
int64_t number_of(JSContext* context, JSValueConst value);
std::vector<int> numbers_of(JSContext* context, JSValueConst value);
std::vector<std::string> texts_of(JSContext* context, JSValueConst value);

// The bytes of a Uint8Array, which lives as long as the value does.
struct Bytes {
  const uint8_t* data = nullptr;
  size_t size = 0;
};
Bytes bytes_of(JSContext* context, JSValueConst value);

JSValue new_bytes(JSContext* context, const void* data, size_t size);
JSValue new_texts(JSContext* context, const std::vector<std::string>& texts);

}  // namespace tsrun::oci

#endif  // TSRUN_OCI_SCRIPT_H_
