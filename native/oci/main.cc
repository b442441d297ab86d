// tsrun-oci: the OCI runtime command line. What it does is TypeScript (src/oci-cli/), which is compiled to QuickJS's bytecode and linked
// in; here is what that calls. Node would need 50 ms for each of the five commands in a container's life.
#include <stdio.h>
#include <unistd.h>

#include "oci/engine.h"
#include "oci/files.h"
#include "oci/foreground.h"
#include "oci/json.h"
#include "oci/memory.h"
#include "oci/processes.h"
#include "oci/interfaces.h"
#include "oci/programs.h"
#include "oci/script.h"
#include "oci/script_code.h"
#include "oci/texts.h"

namespace tsrun::oci {
namespace {

// Every process is short: nothing is ever collected, and all is left to the kernel.
constexpr size_t kNoCollection = SIZE_MAX;
constexpr int kInternalError = 255;

int report(JSContext* context) {
  JSValue error = JS_GetException(context);
  JSValue stack = JS_GetPropertyStr(context, error, "stack");
  (void)fprintf(stderr, "tsrun-oci: %s\n%s", text_of(context, error).c_str(), JS_IsString(stack) ? text_of(context, stack).c_str() : "");
  return kInternalError;
}

// One of the modules that the program holds, read and not yet run.
JSValue read_module(JSContext* context, const std::string& name) {
  for (size_t index = 0; index < kScriptCount; ++index) {
    const ScriptCode& each = kScripts[index];
    if (name == each.name) return JS_ReadObject(context, reinterpret_cast<const uint8_t*>(each.code), each.size, JS_READ_OBJ_BYTECODE);
  }
  return JS_ThrowReferenceError(context, "no module is called %s", name.c_str());
}

// What `import` in another of them asks for.
JSModuleDef* import_module(JSContext* context, const char* name, void*) {
  JSValue module = read_module(context, name);
  return JS_IsException(module) ? nullptr : static_cast<JSModuleDef*>(JS_VALUE_GET_PTR(module));
}

// Modules never wait: their promise is kept or broken at once.
JSValue run_module(JSContext* context, const std::string& name) {
  JSValue module = read_module(context, name);
  if (JS_IsException(module) || JS_ResolveModule(context, module) < 0) return JS_EXCEPTION;
  JSValue promise = JS_EvalFunction(context, module);
  if (JS_IsException(promise)) return promise;
  return JS_PromiseState(context, promise) == JS_PROMISE_FULFILLED ? JS_UNDEFINED : JS_Throw(context, JS_PromiseResult(context, promise));
}

JSContext* make_context() {
  JSRuntime* runtime = JS_NewRuntime2(&kScriptMemory, nullptr);
  JS_SetGCThreshold(runtime, kNoCollection);
  JS_SetModuleLoaderFunc(runtime, nullptr, import_module, nullptr);
  JSContext* context = JS_NewContextRaw(runtime);
  JS_AddIntrinsicBaseObjects(context);
  JS_AddIntrinsicDate(context);
  JS_AddIntrinsicRegExp(context);
  JS_AddIntrinsicJSON(context);
  JS_AddIntrinsicMapSet(context);
  JS_AddIntrinsicTypedArrays(context);
  JS_AddIntrinsicPromise(context);
  return context;
}

// loadModule(name).
JSValue LoadModule(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  return run_module(context, text_of(context, arguments[0]));
}

int run(const std::vector<std::string>& words) {
  JSContext* context = make_context();
  JSValue global = JS_GetGlobalObject(context);
  JSValue host = JS_NewObject(context);
  define_files(context, host);
  define_processes(context, host);
  define_engine(context, host);
  define_texts(context, host);
  define_json(context, host);
  define_foreground(context, host);
  define_interfaces(context, host);
  define_programs(context, host);
  define(context, host, {{"loadModule", 1, LoadModule}});
  JS_SetPropertyStr(context, host, "words", new_texts(context, words));
  JS_SetPropertyStr(context, global, "host", host);
  if (JS_IsException(run_module(context, "main.js"))) return report(context);
  JSValue main = JS_GetPropertyStr(context, global, "main");
  JSValue status = JS_Call(context, main, JS_UNDEFINED, 0, nullptr);
  return JS_IsException(status) ? report(context) : static_cast<int>(number_of(context, status));
}

}  // namespace
}  // namespace tsrun::oci

int main(int count, char** words) {
  std::vector<std::string> arguments(words, words + count);
  _exit(tsrun::oci::run(arguments));
}
