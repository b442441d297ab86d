#include "archive/look.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "archive/failure.h"
#include "archive/walk.h"

namespace tsrun::archive {
namespace {

std::string field(const char* key, const std::string& value) { return std::string(",\"") + key + "\":" + value; }

std::string target_of(int link) {
  std::string target(4096, 0);
  ssize_t size = readlinkat(link, "", target.data(), target.size());
  if (size < 0) give_up("", "readlinkat");
  target.resize(static_cast<size_t>(size));
  return target;
}

// Of the folder that the last part of the path would lie in.
const char* parent_word(std::string path) {
  while (!path.empty() && path.back() == '/') path.pop_back();
  UniqueFd parent = try_in_root(path.substr(0, path.find_last_of('/') + 1) + ".", true, O_PATH);
  if (parent.valid()) return "folder";
  return errno == ENOENT ? "missing" : "other";
}

// The last folder on the way to it that is there.
UniqueFd nearest_folder(std::string path) {
  for (;;) {
    while (!path.empty() && path.back() == '/') path.pop_back();
    path.resize(path.find_last_of('/') + 1);
    UniqueFd folder = try_in_root(path + ".", true, O_PATH);
    if (folder.valid() || path.find_first_not_of('/') == std::string::npos) return folder;
  }
}

// Of this program itself there is nothing in another's /proc, so that what is missing there may well be seen from inside.
bool lies_in_the_kernel(const UniqueFd& found, const std::string& path) {
  if (found.valid()) return is_of_the_kernel(found.get());
  UniqueFd folder = nearest_folder(path);
  return folder.valid() && is_of_the_kernel(folder.get());
}

}  // namespace

int look_at(const std::string& path, bool follow) {
  UniqueFd found = try_in_root(path, follow, O_PATH);
  int error = errno;
  if (lies_in_the_kernel(found, path)) {
    say("{\"type\":\"kernel\"}");
    return 0;
  }
  errno = error;
  if (!found.valid()) {
    if (errno != ENOENT && errno != ENOTDIR) give_up(path, "openat2");
    say(std::string("{\"type\":\"missing\",\"parent\":\"") + parent_word(path) + "\"}");
    return 0;
  }
  struct stat status {};
  if (fstat(found.get(), &status) != 0) give_up(path, "fstat");
  say(std::string("{\"type\":\"") + type_word(status) + "\"" +
      field("size", std::to_string(S_ISREG(status.st_mode) ? status.st_size : 0)) +
      (S_ISLNK(status.st_mode) ? field("target", quote(target_of(found.get()))) : "") + "}");
  return 0;
}

}  // namespace tsrun::archive
