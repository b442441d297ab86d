#include "launcher/parent_folders.h"

#include "sys/directory.h"
#include "sys/memory.h"

namespace tsrun {
namespace {

UniqueFd spare;

// Removing is how descriptors get free again: it must not want for one.
Status open_folder(const MadeFolder& folder, UniqueFd* directory) {
  constexpr unsigned kFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW;
  Status opened = take(sys::call<SYS_openat>(folder.parent_fd, folder.name, kFlags), directory);
  if (opened.error != EMFILE || !spare.valid()) return opened;
  spare.reset();
  return take(sys::call<SYS_openat>(folder.parent_fd, folder.name, kFlags), directory);
}

// A folder of kernfs that was removed by way of another mount says ENODEV.
bool is_gone(Status made) { return made.error == ENOENT || made.error == ENODEV; }

}  // namespace

bool ParentFolders::in_use(int fd) const {
  for (const Container* each = containers_; each != nullptr; each = each->next) {
    if (each->state.parent_fd == fd || each->cgroup_folder.parent_fd == fd || each->upper.parent_fd == fd) return true;
  }
  return false;
}

ParentFolders::Entry* ParentFolders::find(const char* path) {
  for (Entry* entry = entries_; entry != nullptr; entry = entry->next) {
    if (strcmp(entry->path, path) == 0) return entry;
  }
  return nullptr;
}

// An entry for another path, made where none can be taken.
ParentFolders::Entry* ParentFolders::find_free() {
  for (Entry* entry = count_ < kCapacity ? nullptr : entries_; entry != nullptr; entry = entry->next) {
    if (!in_use(entry->fd.get())) return entry;
  }
  auto* entry = tsrun::make<Entry>();
  if (entry == nullptr) return nullptr;
  entry->next = entries_;
  entries_ = entry;
  ++count_;
  return entry;
}

Status ParentFolders::open(Home& home, const char* path, int* fd) {
  Entry* entry = find(path);
  if (entry == nullptr) {
    UniqueFd opened;
    TSRUN_TRY(home.enter_source());
    TSRUN_TRY(take(sys::call<SYS_openat>(AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC), &opened));
    entry = find_free();
    if (entry == nullptr) return Status{SYS_brk, ENOMEM};
    entry->fd = static_cast<UniqueFd&&>(opened);
    memcpy(entry->path, path, strlen(path) + 1);
  }
  *fd = entry->fd.get();
  return kOk;
}

// An absolute path: the folder that it is in, and its name there.
struct ParentFolders::Split {
  char parent[sizeof Entry::path] = "";
  const char* name = nullptr;

  Status set(Text path) {
    auto* slash = static_cast<const char*>(memrchr(path.data, '/', path.size));
    if (slash == nullptr || slash == path.data || strlen(slash + 1) >= kMaxName) return Status{SYS_mkdirat, EINVAL};
    auto length = static_cast<size_t>(slash - path.data);
    if (length >= sizeof parent) return Status{SYS_mkdirat, ENAMETOOLONG};
    memcpy(parent, path.data, length);
    parent[length] = 0;
    name = slash + 1;
    return kOk;
  }
};

Status ParentFolders::try_make(Home& home, const Split& at, uint32_t mode, MadeFolder* folder) {
  int fd = -1;
  TSRUN_TRY(open(home, at.parent, &fd));
  TSRUN_TRY(sys::call<SYS_mkdirat>(fd, at.name, mode).status());
  folder->parent_fd = fd;
  memcpy(folder->name, at.name, strlen(at.name) + 1);
  return kOk;
}

// Who uses the old one goes on to.
void ParentFolders::forget(const char* path) {
  if (Entry* entry = find(path); entry != nullptr) entry->path[0] = 0;
}

Status ParentFolders::make(Home& home, Text path, uint32_t mode, MadeFolder* folder) {
  Split at;
  TSRUN_TRY(at.set(path));
  Status made = try_make(home, at, mode, folder);
  if (made.error != ENOENT) return made;
  // The parent was removed and made again since it was opened.
  forget(at.parent);
  return try_make(home, at, mode, folder);
}

Status ParentFolders::make_with_parent(Home& home, Text path, uint32_t mode, MadeFolder* folder, bool* is_new) {
  Split at;
  TSRUN_TRY(at.set(path));
  *is_new = find(at.parent) == nullptr;
  Status made = try_make(home, at, mode, folder);
  for (int attempt = 0; is_gone(made) && attempt < kAttempts; ++attempt) {
    *is_new = true;
    forget(at.parent);
    TSRUN_TRY(home.enter_source());
    sys::Outcome again = sys::call<SYS_mkdirat>(AT_FDCWD, at.parent, mode);
    if (!again.ok() && again.error() != EEXIST) return again.status();
    made = try_make(home, at, mode, folder);
  }
  return made;
}

void keep_spare_descriptor() {
  if (!spare.valid()) (void)take(sys::call<SYS_fcntl>(0, F_DUPFD_CLOEXEC, 3), &spare);
}

namespace {

Status remove_files(const MadeFolder& folder, const char* last) {
  UniqueFd directory;
  TSRUN_TRY(open_folder(folder, &directory));
  alignas(8) char buffer[2048];
  for (;;) {
    sys::Outcome read = sys::call<SYS_getdents64>(directory.get(), buffer, sizeof buffer);
    if (!read.ok()) return read.status();
    if (read.value == 0) break;
    for (long at = 0; at < read.value;) {
      auto* entry = reinterpret_cast<DirectoryEntry*>(buffer + at);
      at += entry->size;
      if (is_dots(entry->name) || strcmp(entry->name, last) == 0) continue;
      TSRUN_TRY(sys::call<SYS_unlinkat>(directory.get(), entry->name, 0).status());
    }
  }
  Status removed = sys::call<SYS_unlinkat>(directory.get(), last, 0).status();
  if (!removed.ok() && removed.error != ENOENT) return removed;
  return sys::call<SYS_unlinkat>(folder.parent_fd, folder.name, AT_REMOVEDIR).status();
}

}  // namespace

Status remove_flat_folder(const MadeFolder& folder, const char* last) {
  Status removed = remove_files(folder, last);
  keep_spare_descriptor();
  return removed;
}

}  // namespace tsrun
