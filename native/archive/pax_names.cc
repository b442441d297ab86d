#include "archive/pax_names.h"

#include <stdint.h>

#include <algorithm>

namespace tsrun::archive {
namespace {

constexpr size_t kBlockBytes = 512;
constexpr size_t kSizeAt = 124;
constexpr size_t kSizeBytes = 12;
constexpr size_t kTypeAt = 156;

// As libarchive reads it: octal, or in base 256 where the first bit says so.
size_t number(std::string_view field) {
  size_t value = 0;
  if ((static_cast<unsigned char>(field[0]) & 0x80) != 0) {
    for (char byte : field.substr(kSizeBytes - sizeof(uint32_t))) value = value << 8 | static_cast<unsigned char>(byte);
    return value;
  }
  for (char digit : field.substr(std::min(field.find_first_not_of(" \t"), field.size()))) {
    if (digit < '0' || digit > '7') break;
    value = value * 8 + static_cast<size_t>(digit - '0');
  }
  return value;
}

bool is_name(std::string_view key) { return key == "path" || key == "linkpath" || key == "GNU.sparse.name" || key == "uname" || key == "gname"; }

// `LENGTH KEY=VALUE\n`, one after the other.
bool record_holds_nul(std::string_view records) {
  while (!records.empty()) {
    size_t length = 0;
    size_t space = 0;
    for (; space < records.size() && records[space] >= '0' && records[space] <= '9'; ++space) {
      length = std::min(length * 10 + static_cast<size_t>(records[space] - '0'), records.size());
    }
    if (length <= space) return false;
    std::string_view record = records.substr(0, length).substr(space + 1);
    records.remove_prefix(length);
    size_t equals = record.find('=');
    if (equals == std::string_view::npos) continue;
    if (is_name(record.substr(0, equals)) && record.find('\0', equals) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

bool names_hold_nul(std::string_view headers) {
  while (headers.size() >= kBlockBytes) {
    std::string_view header = headers.substr(0, kBlockBytes);
    headers.remove_prefix(kBlockBytes);
    char type = header[kTypeAt];
    if (std::string_view("AKLVXgx").find(type) == std::string_view::npos) return false;
    size_t size = std::min(number(header.substr(kSizeAt, kSizeBytes)), headers.size());
    if ((type == 'X' || type == 'g' || type == 'x') && record_holds_nul(headers.substr(0, size))) return true;
    headers.remove_prefix(std::min((size + kBlockBytes - 1) / kBlockBytes * kBlockBytes, headers.size()));
  }
  return false;
}

}  // namespace tsrun::archive
