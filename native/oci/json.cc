#include "oci/json.h"

#include <string.h>

#include "oci/script.h"
#include "oci/texts.h"

namespace tsrun::oci {
namespace {

constexpr size_t kMostBytes = size_t{4} * 1024 * 1024;
constexpr int kDeepest = 64;
constexpr int kMostDigits = 15;  // of an integer that a double surely holds

bool is_space(char each) { return each == ' ' || each == '\t' || each == '\n' || each == '\r'; }
bool is_digit(char each) { return each >= '0' && each <= '9'; }

// What would go on with a number or a word.
bool is_of_word(char each) {
  return is_digit(each) || (each >= 'a' && each <= 'z') || (each >= 'A' && each <= 'Z') || each == '_' || each == '.' || each == '+' || each == '-';
}

int hex_value(char each) {
  if (is_digit(each)) return each - '0';
  auto lower = static_cast<char>(each | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

// Of U+0001 to U+FFFF.
void append_utf8(std::string* text, unsigned code) {
  if (code < 0x80) {
    text->push_back(static_cast<char>(code));
    return;
  }
  if (code < 0x800) {
    text->push_back(static_cast<char>(0xc0 | code >> 6));
  } else {
    text->push_back(static_cast<char>(0xe0 | code >> 12));
    text->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3f)));
  }
  text->push_back(static_cast<char>(0x80 | (code & 0x3f)));
}

// Every function is false for what it leaves to the reader in TypeScript: all that is wrong, which that one has the words for, and what is
// rare. It must take nothing that the other refuses, nor read it as anything else.
class JsonReader {
 public:
  JsonReader(JSContext* context, Bytes bytes)
      : context_(context), at_(reinterpret_cast<const char*>(bytes.data)), end_(at_ + bytes.size) {}

  bool document(JSValue* value) {
    if (!read(value)) return false;
    skip_space();
    if (at_ == end_) return true;
    JS_FreeValue(context_, *value);
    return false;
  }

 private:
  struct Piece {
    const char* data;
    size_t size;
  };

  bool read(JSValue* value) {
    skip_space();
    if (at_ == end_) return false;
    switch (*at_) {
      case '{':
        *value = JS_NewObjectProto(context_, JS_NULL);
        return kept(value, members('}', [&] { return member(*value); }));
      case '[': {
        *value = JS_NewArray(context_);
        uint32_t index = 0;
        return kept(value, members(']', [&] { return element(*value, index++); }));
      }
      case '"': {
        Piece text;
        if (!string(&text)) return false;
        *value = JS_NewStringLen(context_, text.data, text.size);
        return true;
      }
      default:
        return is_digit(*at_) || *at_ == '-' ? integer(value) : literal(value);
    }
  }

  // A whole value, or none.
  bool kept(JSValue* value, bool whole) {
    if (!whole) JS_FreeValue(context_, *value);
    return whole;
  }

  template <typename ReadMember>
  bool members(char last, const ReadMember& read_member) {
    if (depth_ >= kDeepest) return false;
    ++depth_;
    ++at_;
    bool whole = accept(last);
    if (!whole) {
      do {
        if (!read_member()) return false;
      } while (accept(','));
      whole = accept(last);
    }
    --depth_;
    return whole;
  }

  bool member(JSValueConst object) {
    Piece key;
    skip_space();
    if (at_ == end_ || *at_ != '"' || !string(&key)) return false;
    JSAtom name = JS_NewAtomLen(context_, key.data, key.size);
    JSValue value;
    bool whole = JS_HasProperty(context_, object, name) == 0 && accept(':') && read(&value);
    if (whole) JS_DefinePropertyValue(context_, object, name, value, JS_PROP_C_W_E);
    JS_FreeAtom(context_, name);
    return whole;
  }

  bool element(JSValueConst array, uint32_t index) {
    JSValue value;
    if (!read(&value)) return false;
    JS_DefinePropertyValueUint32(context_, array, index, value, JS_PROP_C_W_E);
    return true;
  }

  // Its text is there until the next one is read.
  bool string(Piece* text) {
    const char* start = ++at_;
    while (at_ < end_ && *at_ != '"' && *at_ != '\\' && static_cast<uint8_t>(*at_) >= 0x20) ++at_;
    if (at_ == end_) return false;
    if (*at_ == '"') {
      *text = Piece{start, static_cast<size_t>(at_++ - start)};
      return true;
    }
    unescaped_.assign(start, at_);
    if (!escaped_rest()) return false;
    *text = Piece{unescaped_.data(), unescaped_.size()};
    return true;
  }

  bool escaped_rest() {
    for (; at_ < end_ && *at_ != '"'; ++at_) {
      if (static_cast<uint8_t>(*at_) < 0x20) return false;
      if (*at_ != '\\') {
        unescaped_.push_back(*at_);
      } else if (!escape()) {
        return false;
      }
    }
    return at_++ < end_;
  }

  // Leaves off at its last byte.
  bool escape() {
    static constexpr char kLetters[] = "\"\\/bfnrt";
    static constexpr char kMeanings[] = "\"\\/\b\f\n\r\t";
    if (++at_ == end_) return false;
    if (*at_ == 'u') return code_point();
    const auto* found = static_cast<const char*>(memchr(kLetters, *at_, sizeof kLetters - 1));
    if (found == nullptr) return false;
    unescaped_.push_back(kMeanings[found - kLetters]);
    return true;
  }

  bool code_point() {
    unsigned code = 0;
    for (int digits = 0; digits < 4; ++digits) {
      int value = ++at_ < end_ ? hex_value(*at_) : -1;
      if (value < 0) return false;
      code = code << 4 | static_cast<unsigned>(value);
    }
    bool is_surrogate = code >= 0xd800 && code <= 0xdfff;
    if (code == 0 || is_surrogate) return false;
    append_utf8(&unescaped_, code);
    return true;
  }

  bool integer(JSValue* value) {
    bool negative = *at_ == '-';
    if (negative) ++at_;
    const char* start = at_;
    int64_t number = 0;
    for (; at_ < end_ && is_digit(*at_); ++at_) {
      if (at_ - start == kMostDigits) return false;
      number = number * 10 + (*at_ - '0');
    }
    bool starts_with_zero = at_ > start && *start == '0';
    // 0 is the only one that may; there is a -0, which is another number.
    if (at_ == start || (starts_with_zero && (negative || at_ - start > 1)) || goes_on()) return false;
    *value = JS_NewInt64(context_, negative ? -number : number);
    return true;
  }

  bool literal(JSValue* value) {
    const struct {
      const char* name;
      JSValue value;
    } literals[] = {{"true", JS_TRUE}, {"false", JS_FALSE}, {"null", JS_NULL}};
    for (const auto& each : literals) {
      size_t size = strlen(each.name);
      if (static_cast<size_t>(end_ - at_) < size || memcmp(at_, each.name, size) != 0) continue;
      at_ += size;
      *value = each.value;
      return !goes_on();
    }
    return false;
  }

  bool goes_on() const { return at_ < end_ && is_of_word(*at_); }

  void skip_space() {
    while (at_ < end_ && is_space(*at_)) ++at_;
  }

  bool accept(char wanted) {
    skip_space();
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }

  JSContext* context_;
  const char* at_;
  const char* end_;
  int depth_ = 0;
  std::string unescaped_;
};

// readJson(bytes): the value, or undefined where the reader in TypeScript is to look.
JSValue ReadJson(JSContext* context, JSValueConst, int, JSValueConst* arguments) {
  Bytes bytes = bytes_of(context, arguments[0]);
  JSValue value;
  if (bytes.size > kMostBytes || !is_utf8(bytes) || !JsonReader(context, bytes).document(&value)) return JS_UNDEFINED;
  return value;
}

}  // namespace

void define_json(JSContext* context, JSValueConst host) { define(context, host, {{"readJson", 1, ReadJson}}); }

}  // namespace tsrun::oci
