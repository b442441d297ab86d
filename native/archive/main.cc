// tsrun-archive: unpacks, packs and lists trees. It is executed in a container whose root is all that it knows of the world, and
// handed over as a descriptor. Its arguments come from tsrun alone (src/container/archiver/): they are few and in order.
#include <stdlib.h>
#include <string.h>

#include "archive/failure.h"
#include "archive/unpack.h"

namespace tsrun::archive {
namespace {

struct Arguments {
  int count;
  char** words;

  // The value of `key=value`; null when it is not there.
  const char* find(const char* key) const {
    size_t length = strlen(key);
    for (int index = 2; index < count; ++index) {
      if (strncmp(words[index], key, length) == 0 && words[index][length] == '=') return words[index] + length + 1;
    }
    return nullptr;
  }
  uint64_t number(const char* key) const {
    const char* value = find(key);
    return value == nullptr ? 0 : strtoull(value, nullptr, 10);
  }
};

int run_unpack(const Arguments& arguments, bool layer) {
  UnpackOrder order;
  order.layer = layer;
  order.most_bytes = arguments.number("bytes");
  order.most_entries = arguments.number("entries");
  order.most_ratio = arguments.number("ratio");
  order.user_attributes = arguments.find("user-attributes") != nullptr;
  order.knows_lower = arguments.find("lower") != nullptr;
  order.lower_layers = static_cast<unsigned>(arguments.number("lower"));
  if (const char* folder = arguments.find("folder")) order.folder = folder;
  return unpack(order);
}

}  // namespace
}  // namespace tsrun::archive

int main(int count, char** words) {
  using namespace tsrun::archive;
  Arguments arguments{count, words};
  std::string_view command = count > 1 ? words[1] : "";
  if (command == "unpack") return run_unpack(arguments, true);
  if (command == "unpack-files") return run_unpack(arguments, false);
  refuse("", "there is no such command");
}
