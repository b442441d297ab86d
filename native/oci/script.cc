#include "oci/script.h"

#include <errno.h>
#include <string.h>

namespace tsrun::oci {

JSValue throw_failure(JSContext* context, const char* syscall, int error) {
  JSValue failure = JS_NewError(context);
  std::string message = std::string(syscall) + ": " + strerror(error);
  JS_DefinePropertyValueStr(context, failure, "message", JS_NewString(context, message.c_str()), JS_PROP_C_W_E);
  JS_SetPropertyStr(context, failure, "syscall", JS_NewString(context, syscall));
  JS_SetPropertyStr(context, failure, "errno", JS_NewInt32(context, error));
  return JS_Throw(context, failure);
}

JSValue number_or_throw(JSContext* context, const char* syscall, int64_t result) {
  return result < 0 ? throw_failure(context, syscall, errno) : JS_NewInt64(context, result);
}

std::string text_of(JSContext* context, JSValueConst value) {
  size_t size = 0;
  const char* text = JS_ToCStringLen(context, &size, value);
  if (text == nullptr) return {};
  std::string copy(text, size);
  JS_FreeCString(context, text);
  return copy;
}

int64_t number_of(JSContext* context, JSValueConst value) {
  int64_t number = 0;
  return JS_ToInt64Ext(context, &number, value) == 0 ? number : 0;
}

namespace {

template <typename Take>
void for_each(JSContext* context, JSValueConst list, const Take& take) {
  JSValue length = JS_GetPropertyStr(context, list, "length");
  int64_t count = number_of(context, length);
  JS_FreeValue(context, length);
  for (int64_t index = 0; index < count; ++index) {
    JSValue element = JS_GetPropertyUint32(context, list, static_cast<uint32_t>(index));
    take(element);
    JS_FreeValue(context, element);
  }
}

}  // namespace

std::vector<int> numbers_of(JSContext* context, JSValueConst value) {
  std::vector<int> numbers;
  for_each(context, value, [&](JSValueConst each) { numbers.push_back(static_cast<int>(number_of(context, each))); });
  return numbers;
}

std::vector<std::string> texts_of(JSContext* context, JSValueConst value) {
  std::vector<std::string> texts;
  for_each(context, value, [&](JSValueConst each) { texts.push_back(text_of(context, each)); });
  return texts;
}

Bytes bytes_of(JSContext* context, JSValueConst value) {
  size_t offset = 0;
  size_t size = 0;
  size_t element = 0;
  JSValue buffer = JS_GetTypedArrayBuffer(context, value, &offset, &size, &element);
  if (JS_IsException(buffer)) {
    JS_FreeValue(context, JS_GetException(context));
    return {};
  }
  size_t capacity = 0;
  const uint8_t* start = JS_GetArrayBuffer(context, &capacity, buffer);
  // The array keeps its buffer.
  JS_FreeValue(context, buffer);
  return start == nullptr ? Bytes{} : Bytes{start + offset, size};
}

JSValue new_bytes(JSContext* context, const void* data, size_t size) {
  JSValue buffer = JS_NewArrayBufferCopy(context, static_cast<const uint8_t*>(data), size);
  // Offset and length are read as well, however many are said to be there.
  JSValueConst arguments[] = {buffer, JS_UNDEFINED, JS_UNDEFINED};
  JSValue array = JS_NewTypedArray(context, 1, arguments, JS_TYPED_ARRAY_UINT8);
  JS_FreeValue(context, buffer);
  return array;
}

JSValue new_texts(JSContext* context, const std::vector<std::string>& texts) {
  JSValue list = JS_NewArray(context);
  uint32_t index = 0;
  for (const std::string& text : texts) {
    JS_SetPropertyUint32(context, list, index++, JS_NewStringLen(context, text.data(), text.size()));
  }
  return list;
}

}  // namespace tsrun::oci
