#include "oci/texts.h"

#include <stdio.h>
#include <string.h>

#include <algorithm>

namespace tsrun::oci {
namespace {

// The length of the sequence at `at`, or 0 where it is none: too long for what it says, a surrogate, past U+10FFFF (RFC 3629).
size_t sequence_at(const uint8_t* at, size_t left) {
  uint8_t first = at[0];
  if (first < 0x80) return 1;
  size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || left < length) return 0;
  for (size_t index = 1; index < length; ++index) {
    if ((at[index] & 0xc0) != 0x80) return 0;
  }
  uint8_t second = at[1];
  bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  bool impossible = (first == 0xed && second > 0x9f) || (first == 0xf4 && second > 0x8f);
  return overlong || impossible ? 0 : length;
}

// decode(bytes): the text, or undefined where they are not UTF-8.
JSValue Decode(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  Bytes bytes = bytes_of(context, arguments[0]);
  if (!is_utf8(bytes)) return JS_UNDEFINED;
  return JS_NewStringLen(context, reinterpret_cast<const char*>(bytes.data), bytes.size);
}

JSValue Encode(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  std::string text = text_of(context, arguments[0]);
  return new_bytes(context, text.data(), text.size());
}

// encodeInto(text, bytes, at): how many of the bytes it took.
JSValue EncodeInto(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  size_t size = 0;
  const char* text = JS_ToCStringLen(context, &size, arguments[0]);
  if (text == nullptr) return JS_EXCEPTION;
  Bytes bytes = bytes_of(context, arguments[1]);
  auto at = static_cast<size_t>(number_of(context, arguments[2]));
  size = std::min(size, bytes.size - std::min(at, bytes.size));
  // The array is the script's own, to be written to.
  memcpy(const_cast<uint8_t*>(bytes.data) + at, text, size);
  JS_FreeCString(context, text);
  return JS_NewInt64(context, static_cast<int64_t>(size));
}

// nameOf(text): FNV-1a, in hexadecimal digits.
JSValue NameOf(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  uint64_t hash = 0xcbf29ce484222325;
  for (char each : text_of(context, arguments[0])) hash = (hash ^ static_cast<uint8_t>(each)) * 0x100000001b3;
  char digits[17];
  (void)snprintf(digits, sizeof digits, "%016lx", static_cast<unsigned long>(hash));
  return JS_NewString(context, digits);
}

}  // namespace

bool is_utf8(Bytes bytes) {
  for (size_t at = 0; at < bytes.size;) {
    size_t length = sequence_at(bytes.data + at, bytes.size - at);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

void define_texts(JSContext* context, JSValueConst host) { define(context, host, {{"decode", 1, Decode}, {"encode", 1, Encode}, {"encodeInto", 3, EncodeInto}, {"nameOf", 1, NameOf}}); }

}  // namespace tsrun::oci
