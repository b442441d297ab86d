#include "archive/pax_names.h"

#include <stdint.h>

#include <algorithm>

namespace tsrun::archive {
namespace {

constexpr size_t kBlockBytes = 512;
constexpr size_t kSizeAt = 124;
constexpr size_t kSizeBytes = 12;
constexpr size_t kTypeAt = 156;
constexpr size_t kNameBytes = 100;
constexpr size_t kSumAt = 148;
constexpr size_t kSumBytes = 8;
constexpr size_t kMagicAt = 257;
constexpr size_t kPrefixAt = 345;
constexpr size_t kPrefixBytes = 155;

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

bool is_path(std::string_view key) { return key == "path" || key == "GNU.sparse.name"; }

bool is_name(std::string_view key) { return is_path(key) || key == "linkpath" || key == "uname" || key == "gname"; }

bool is_of_one_entry(char type) { return type == 'x' || type == 'X'; }

// `LENGTH KEY=VALUE\n`, one after the other, until `see` returns true: then this does.
template <typename See>
bool any_record(std::string_view records, See see) {
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
    std::string_view value = record.substr(equals + 1);
    if (!value.empty() && value.back() == '\n') value.remove_suffix(1);
    if (see(record.substr(0, equals), value)) return true;
  }
  return false;
}

std::string_view until_nul(std::string_view field) { return field.substr(0, field.find('\0')); }

// Of a header that is one, by its checksum; else empty.
std::string own_name(std::string_view header) {
  size_t sum = kSumBytes * ' ';
  for (size_t at = 0; at < kBlockBytes; ++at) sum += at - kSumAt < kSumBytes ? 0 : static_cast<unsigned char>(header[at]);
  if (number(header.substr(kSumAt, kSumBytes)) != sum) return {};
  std::string name(until_nul(header.substr(0, kNameBytes)));
  std::string_view prefix = until_nul(header.substr(kPrefixAt, kPrefixBytes));
  bool has_prefix = !prefix.empty() && header.substr(kMagicAt, 6) == std::string_view("ustar\0", 6);
  return has_prefix ? std::string(prefix) + '/' + name : name;
}

bool is_extension(std::string_view header) { return std::string_view("AKLVXgx").find(header[kTypeAt]) != std::string_view::npos; }

// Each header with what stands in it, the entry's own without that, until `see` returns true: then this does.
template <typename See>
bool any_header(std::string_view headers, See see) {
  while (headers.size() >= kBlockBytes) {
    std::string_view header = headers.substr(0, kBlockBytes);
    headers.remove_prefix(kBlockBytes);
    if (!is_extension(header)) return see(header, std::string_view());
    size_t size = std::min(number(header.substr(kSizeAt, kSizeBytes)), headers.size());
    if (see(header, headers.substr(0, size))) return true;
    headers.remove_prefix(std::min((size + kBlockBytes - 1) / kBlockBytes * kBlockBytes, headers.size()));
  }
  return false;
}

}  // namespace

bool names_hold_nul(std::string_view headers) {
  auto holds_nul = [](std::string_view key, std::string_view value) { return is_name(key) && value.find('\0') != std::string_view::npos; };
  return any_header(headers, [&](std::string_view header, std::string_view contents) {
    char type = header[kTypeAt];
    return (is_of_one_entry(type) || type == 'g') && any_record(contents, holds_nul);
  });
}

std::string name_in(std::string_view headers) {
  std::string_view said;
  std::string own;
  auto take_path = [&](std::string_view key, std::string_view value) {
    if (is_path(key)) said = until_nul(value);
    return false;
  };
  any_header(headers, [&](std::string_view header, std::string_view contents) {
    std::string name = own_name(header);
    if (name.empty()) return true;
    own = name;
    if (header[kTypeAt] == 'L') said = until_nul(contents);
    return is_of_one_entry(header[kTypeAt]) && any_record(contents, take_path);
  });
  return said.empty() ? own : std::string(said);
}

}  // namespace tsrun::archive
