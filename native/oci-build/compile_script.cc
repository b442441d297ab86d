// Run by the build, on the machine that builds: modules in, a C++ file with their bytecode out. Bytecode belongs to one version of QuickJS,
// and is the same on every 64-bit processor of this byte order.
#include <quickjs/quickjs.h>
#include <stdio.h>
#include <string.h>

#include <fstream>
#include <iterator>
#include <string>

namespace {

bool fail(JSContext* context) {
  JSValue error = JS_GetException(context);
  const char* text = JS_ToCString(context, error);
  (void)fprintf(stderr, "%s\n", text == nullptr ? "the script cannot be compiled" : text);
  return false;
}

// As a string, which compilers read ten times faster than a list of numbers.
void write_code(std::ofstream& out, const uint8_t* code, size_t size) {
  constexpr size_t kLine = 64;
  for (size_t at = 0; at < size; ++at) {
    char octal[5];
    (void)snprintf(octal, sizeof octal, "\\%03o", code[at]);
    out << (at % kLine == 0 ? (at == 0 ? "\n    \"" : "\"\n    \"") : "") << octal;
  }
  out << "\"";
}

// What a module imports is asked for when it is compiled, and looked into only when it runs.
JSModuleDef* promise_module(JSContext* context, const char* name, void*) {
  return JS_NewCModule(context, name, [](JSContext*, JSModuleDef*) { return 0; });
}

bool add_module(std::ofstream& out, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::string name = path.substr(path.rfind('/') + 1);
  JSRuntime* runtime = JS_NewRuntime();
  // Neither sources nor lines, which would be loaded with each function and are minified.
  JS_SetStripInfo(runtime, JS_STRIP_DEBUG);
  JS_SetModuleLoaderFunc(runtime, nullptr, promise_module, nullptr);
  JSContext* context = JS_NewContext(runtime);
  constexpr int kFlags = JS_EVAL_TYPE_MODULE | JS_EVAL_FLAG_COMPILE_ONLY;
  JSValue compiled = JS_Eval(context, text.c_str(), text.size(), name.c_str(), kFlags);
  size_t size = 0;
  uint8_t* code = JS_IsException(compiled) ? nullptr : JS_WriteObject(context, &size, compiled, JS_WRITE_OBJ_BYTECODE);
  if (code == nullptr) return fail(context);
  out << "    {\"" << name << "\", ";
  write_code(out, code, size);
  out << ", " << size << "},\n";
  return true;
}

}  // namespace

// compile_script OUT LIST: names of files beside the list, a line each.
int main(int count, char** words) {
  if (count != 3) return 2;
  std::string list(words[2]);
  std::string folder = list.substr(0, list.rfind('/') + 1);
  std::ifstream names(list);
  std::ofstream out(words[1], std::ios::binary);
  out << "#include \"oci/script_code.h\"\n\nnamespace tsrun::oci {\n\nconst ScriptCode kScripts[] = {\n";
  size_t modules = 0;
  for (std::string name; std::getline(names, name); ++modules) {
    if (!add_module(out, folder + name)) return 1;
  }
  out << "};\nconst size_t kScriptCount = " << modules << ";\n\n}  // namespace tsrun::oci\n";
  return out.good() && modules > 0 ? 0 : 1;
}
