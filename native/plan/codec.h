// Byte reader and writer of the wire form (layout: protocol/generate.mjs). The generated codecs stand on these; the
// reader checks every bound before it trusts a byte and never copies: texts point into the message.
#ifndef TSRUN_PLAN_CODEC_H_
#define TSRUN_PLAN_CODEC_H_

#include <stddef.h>
#include <stdint.h>
#include <string.h>

namespace tsrun {

inline constexpr uint32_t kNoSlot = 0xffffffff;
inline constexpr size_t kRecordHeader = 8;

// A NUL-terminated string inside a message; `size` does not count the NUL.
struct Text {
  const char* data = "";
  uint32_t size = 0;

  bool empty() const { return size == 0; }
};

struct Bytes {
  const uint8_t* data = nullptr;
  uint32_t size = 0;
};

// Texts one after another, checked; walk with next().
struct Texts {
  const uint8_t* at = nullptr;
  uint32_t count = 0;

  Text next() {
    uint32_t length;
    memcpy(&length, at, sizeof length);
    Text text{reinterpret_cast<const char*>(at + 4), length};
    at += 4 + length + 4 - length % 4;
    --count;
    return text;
  }
};

struct Words {
  const uint8_t* at = nullptr;
  uint32_t count = 0;

  uint32_t operator[](uint32_t index) const {
    uint32_t value;
    memcpy(&value, at + size_t{4} * index, sizeof value);
    return value;
  }
};

class Reader {
 public:
  Reader(const uint8_t* data, size_t size) : at_(data), left_(size) {}

  bool at_end() const { return left_ == 0; }

  bool u32(uint32_t* value) { return fixed(value, sizeof *value); }
  bool i32(int32_t* value) { return fixed(value, sizeof *value); }
  bool u64(uint64_t* value) { return fixed(value, sizeof *value); }
  bool slot(uint32_t* value) { return u32(value); }

  bool boolean(bool* value) {
    uint32_t word;
    if (!u32(&word) || word > 1) return false;
    *value = word == 1;
    return true;
  }

  bool text(Text* value) {
    uint32_t length;
    if (!u32(&length)) return false;
    size_t padded = size_t{length} + 4 - length % 4;
    if (padded > left_ || memchr(at_, 0, size_t{length} + 1) != at_ + length) return false;
    *value = Text{reinterpret_cast<const char*>(at_), length};
    return skip(padded);
  }

  bool bytes(Bytes* value) {
    uint32_t length;
    if (!u32(&length)) return false;
    size_t padded = size_t{length} + (4 - length % 4) % 4;
    if (padded > left_) return false;
    *value = Bytes{at_, length};
    return skip(padded);
  }

  bool texts(Texts* value) {
    uint32_t count;
    if (!u32(&count)) return false;
    *value = Texts{at_, count};
    for (Text each; count > 0; --count) {
      if (!text(&each)) return false;
    }
    return true;
  }

  bool u32s(Words* value) {
    uint32_t count;
    if (!u32(&count) || size_t{count} * 4 > left_) return false;
    *value = Words{at_, count};
    return skip(size_t{count} * 4);
  }

  bool slots(Words* value) { return u32s(value); }

 private:
  bool fixed(void* value, size_t size) {
    if (size > left_) return false;
    memcpy(value, at_, size);
    return skip(size);
  }

  bool skip(size_t size) {
    at_ += size;
    left_ -= size;
    return true;
  }

  const uint8_t* at_;
  size_t left_;
};

// Writes records into a caller's buffer. What does not fit sets `overflow` and is left out.
class Writer {
 public:
  Writer(uint8_t* data, size_t capacity) : data_(data), capacity_(capacity) {}

  size_t size() const { return used_; }
  bool overflow() const { return overflow_; }

  void begin(uint32_t op) {
    start_ = used_;
    u32(op);
    u32(0);
  }
  void end() {
    if (overflow_) return;
    auto size = static_cast<uint32_t>(used_ - start_);
    memcpy(data_ + start_ + 4, &size, sizeof size);
  }

  void u32(uint32_t value) { put(&value, sizeof value); }
  void i32(int32_t value) { put(&value, sizeof value); }
  void u64(uint64_t value) { put(&value, sizeof value); }
  void boolean(bool value) { u32(value ? 1 : 0); }
  void text(Text value) {
    u32(value.size);
    put(value.data, value.size);
    put("\0\0\0", 4 - value.size % 4);
  }
  void bytes(Bytes value) {
    u32(value.size);
    put(value.data, value.size);
    put("\0\0\0", (4 - value.size % 4) % 4);
  }
  // The elements are already in wire form.
  void texts(Texts value) {
    u32(value.count);
    for (Texts rest = value; rest.count > 0;) text(rest.next());
  }

 private:
  void put(const void* value, size_t size) {
    if (size > capacity_ - used_) {
      overflow_ = true;
      return;
    }
    memcpy(data_ + used_, value, size);
    used_ += size;
  }

  uint8_t* data_;
  size_t capacity_;
  size_t used_ = 0;
  size_t start_ = 0;
  bool overflow_ = false;
};

}  // namespace tsrun

#endif  // TSRUN_PLAN_CODEC_H_
