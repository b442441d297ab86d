// Documents by their length and bytes in, a line for each out: as QuickJS writes what tsrun-oci's reader made of it, or `left` for what it left
// to the reader in TypeScript.
#include "oci/json.h"

#include <stdint.h>
#include <stdio.h>

#include "oci/script.h"

int main() {
  JSContext* context = JS_NewContext(JS_NewRuntime());
  JSValue host = JS_NewObject(context);
  tsrun::oci::define_json(context, host);
  JSValue read = JS_GetPropertyStr(context, host, "readJson");
  for (uint32_t size; fread(&size, sizeof size, 1, stdin) == 1;) {
    std::vector<uint8_t> bytes(size);
    if (fread(bytes.data(), 1, size, stdin) != size) return 1;
    JSValue argument = tsrun::oci::new_bytes(context, bytes.data(), size);
    JSValue value = JS_Call(context, read, JS_UNDEFINED, 1, &argument);
    if (JS_IsException(value)) return 2;
    JSValue text = JS_JSONStringify(context, value, JS_UNDEFINED, JS_UNDEFINED);
    puts(JS_IsUndefined(value) ? "left" : tsrun::oci::text_of(context, text).c_str());
    JS_FreeValue(context, text);
    JS_FreeValue(context, value);
    JS_FreeValue(context, argument);
  }
  return 0;
}
