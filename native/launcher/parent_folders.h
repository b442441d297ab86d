// Descriptors of the few host folders in which containers' state folders and cgroups are made. With them the launcher
// makes, reads and removes those by name, whatever mount namespace it is in.
#ifndef TSRUN_LAUNCHER_PARENT_FOLDERS_H_
#define TSRUN_LAUNCHER_PARENT_FOLDERS_H_

#include "launcher/container.h"
#include "launcher/home.h"
#include "plan/codec.h"

namespace tsrun {

class ParentFolders {
 public:
  // Those that may use a parent: its descriptor is kept as long as one of them does.
  explicit ParentFolders(Container* const& containers) : containers_(containers) {}
  // Makes the last folder of an absolute path.
  Status make(Home& home, Text path, uint32_t mode, MadeFolder* folder);
  // The same where anybody may remove the parent as long as it is empty: then that is made again. `is_new`: it was not known
  // before.
  Status make_with_parent(Home& home, Text path, uint32_t mode, MadeFolder* folder, bool* is_new);

 private:
  // More are kept only while each is in use.
  static constexpr int kCapacity = 16;
  // Between making the parent and making what keeps it, it may be removed again.
  static constexpr int kAttempts = 64;

  struct Entry {
    Entry* next = nullptr;
    char path[512] = "";
    UniqueFd fd;
  };

  struct Split;

  Status open(Home& home, const char* path, int* fd);
  Status try_make(Home& home, const Split& at, uint32_t mode, MadeFolder* folder);
  void forget(const char* path);
  Entry* find(const char* path);
  Entry* find_free();
  bool in_use(int fd) const;

  Container* const& containers_;
  Entry* entries_ = nullptr;
  int count_ = 0;
};

// Puts a descriptor by, so that what was made can be removed when no other is left.
void keep_spare_descriptor();

// Removes the files of a flat folder, one of them after the others, and the folder.
Status remove_flat_folder(const MadeFolder& folder, const char* last);

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_PARENT_FOLDERS_H_
