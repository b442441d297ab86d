// Run by the build, on the machine that builds: scripts in, a C++ file with their bytecode out. Bytecode belongs to one version of QuickJS,
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

bool add_script(std::ofstream& out, const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::string script((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::string name = path.substr(path.rfind('/') + 1);
  JSContext* context = JS_NewContext(JS_NewRuntime());
  constexpr int kFlags = JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY | JS_EVAL_FLAG_STRICT;
  JSValue compiled = JS_Eval(context, script.c_str(), script.size(), name.c_str(), kFlags);
  size_t size = 0;
  uint8_t* code = JS_IsException(compiled) ? nullptr : JS_WriteObject(context, &size, compiled, JS_WRITE_OBJ_BYTECODE);
  if (code == nullptr) return fail(context);
  out << "    {\"" << name.substr(0, name.rfind('.')) << "\", ";
  write_code(out, code, size);
  out << ", " << size << "},\n";
  return true;
}

}  // namespace

int main(int count, char** words) {
  if (count < 3) return 2;
  std::ofstream out(words[1], std::ios::binary);
  out << "#include \"oci/script_code.h\"\n\nnamespace tsrun::oci {\n\nconst ScriptCode kScripts[] = {\n";
  for (int index = 2; index < count; ++index) {
    if (!add_script(out, words[index])) return 1;
  }
  out << "};\nconst size_t kScriptCount = " << count - 2 << ";\n\n}  // namespace tsrun::oci\n";
  return out.good() ? 0 : 1;
}
