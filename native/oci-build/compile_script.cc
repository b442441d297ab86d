// Run by the build, on the machine that builds: a script in, a C++ file with its bytecode out. Bytecode belongs to one version of QuickJS,
// and is the same on every 64-bit processor of this byte order.
#include <quickjs/quickjs.h>
#include <stdio.h>
#include <string.h>

#include <fstream>
#include <iterator>
#include <string>

namespace {

int fail(JSContext* context) {
  JSValue error = JS_GetException(context);
  const char* text = JS_ToCString(context, error);
  (void)fprintf(stderr, "%s\n", text == nullptr ? "the script cannot be compiled" : text);
  return 1;
}

// As a string, which compilers read ten times faster than a list of numbers.
void write_code(std::ofstream& out, const uint8_t* code, size_t size) {
  constexpr size_t kLine = 64;
  out << "#include \"oci/script_code.h\"\n\nnamespace tsrun::oci {\n\nnamespace {\n\nconst char kCode[] =";
  for (size_t at = 0; at < size; ++at) {
    char octal[5];
    (void)snprintf(octal, sizeof octal, "\\%03o", code[at]);
    out << (at % kLine == 0 ? (at == 0 ? "\n    \"" : "\"\n    \"") : "") << octal;
  }
  out << "\";\n\n}  // namespace\n\nconst uint8_t* const kScriptCode = reinterpret_cast<const uint8_t*>(kCode);\n"
      << "const size_t kScriptCodeSize = " << size << ";\n\n}  // namespace tsrun::oci\n";
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  std::ifstream in(words[1], std::ios::binary);
  std::string script((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  JSRuntime* runtime = JS_NewRuntime();
  JSContext* context = JS_NewContext(runtime);
  JSValue compiled = JS_Eval(context, script.c_str(), script.size(), "tsrun-oci", JS_EVAL_TYPE_GLOBAL | JS_EVAL_FLAG_COMPILE_ONLY | JS_EVAL_FLAG_STRICT);
  if (JS_IsException(compiled)) return fail(context);
  size_t size = 0;
  uint8_t* code = JS_WriteObject(context, &size, compiled, JS_WRITE_OBJ_BYTECODE);
  if (code == nullptr) return fail(context);
  std::ofstream out(words[2], std::ios::binary);
  write_code(out, code, size);
  return out.good() ? 0 : 1;
}
