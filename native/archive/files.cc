#include "archive/files.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "archive/failure.h"
#include "sys/directory.h"

namespace tsrun::archive {
namespace {

struct Close {
  void operator()(DIR* stream) const { closedir(stream); }
};

}  // namespace

bool look(int folder, const char* name, struct stat* status) {
  if (fstatat(folder, name, status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == ENOENT) return false;
  give_up(name, "fstatat");
}

void for_each_name(int folder, const std::function<void(const char*)>& use) {
  int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  std::unique_ptr<DIR, Close> stream(copy < 0 ? nullptr : fdopendir(copy));
  if (stream == nullptr) give_up("", "opendir");
  for (errno = 0; const dirent* entry = readdir(stream.get());
       errno = 0) {  // NOLINT(concurrency-mt-unsafe): the stream is no other's
    if (!is_dots(entry->d_name)) use(entry->d_name);
  }
  if (errno != 0) give_up("", "readdir");
}

void remove_all(int folder, const char* name) {
  if (unlinkat(folder, name, 0) == 0) return;
  if (errno != EISDIR && errno != EPERM) give_up(name, "unlinkat");
  UniqueFd inner(openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!inner.valid()) give_up(name, "openat");
  for_each_name(inner.get(), [&inner](const char* each) { remove_all(inner.get(), each); });
  if (unlinkat(folder, name, AT_REMOVEDIR) != 0) give_up(name, "unlinkat");
}

}  // namespace tsrun::archive
