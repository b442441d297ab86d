// tsrun-archive: unpacks, packs, lists and removes trees. It is executed in a container whose root is all that it knows of the
// world, and handed over as a descriptor. Its arguments come from tsrun alone (src/container/archiver/): they are few and in
// order.
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "archive/expand.h"
#include "archive/failure.h"
#include "archive/files.h"
#include "archive/list.h"
#include "archive/look.h"
#include "archive/pack.h"
#include "archive/unpack.h"
#include "archive/walk.h"

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
  std::string text(const char* key, const char* otherwise) const {
    const char* value = find(key);
    return value == nullptr ? otherwise : value;
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
  order.folder = arguments.text("path", ".");
  order.gives_owner = arguments.find("uid") != nullptr;
  order.uid = static_cast<uid_t>(arguments.number("uid"));
  order.drops_privileges = arguments.find("drop-privileges") != nullptr;
  order.gid = static_cast<gid_t>(arguments.number("gid"));
  return unpack(order);
}

// All that lies in the root: an ordinary user may not remove what belongs to subordinate ids, but who is root above them may.
int empty() {
  for_each_name(AT_FDCWD, [](const char* name) { remove_all(AT_FDCWD, name); });
  say("{}");
  return 0;
}

int run(std::string_view command, const Arguments& arguments) {
  std::string path = arguments.text("path", ".");
  bool follow = arguments.find("follow") != nullptr;
  int root = arguments.find("layer") == nullptr ? -1 : kFirstLayer;
  if (command == "unpack") return run_unpack(arguments, true);
  if (command == "unpack-files") return run_unpack(arguments, false);
  if (command == "look") return look_at(path, follow);
  if (command == "pack") return pack(path, WalkRules{follow, arguments.find("mounts") != nullptr}, arguments.text("name", ""));
  if (command == "list") return list(root, path, follow, arguments.find("content") != nullptr);
  if (command == "empty") return empty();
  if (command == "expand") return expand(arguments.number("bytes"), arguments.number("ratio"));
  refuse("", "there is no such command");
}

}  // namespace
}  // namespace tsrun::archive

int main(int count, char** words) {
  using namespace tsrun::archive;
  return run(count > 1 ? words[1] : "", Arguments{count, words});
}
