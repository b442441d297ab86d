#include "archive/attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <string_view>

#include "archive/failure.h"

namespace tsrun::archive {
namespace {

constexpr mode_t kSpecialBits = 07000;

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

// Some file systems hold no attributes of users (tmpfs before Linux 6.6), no file but regular ones and folders may have them, and
// those of the host's root nobody else (xattr(7)). What programs rely on, capabilities and access lists, may not get lost.
bool may_lack(const std::string& name, int error) {
  return (starts_with(name, "user.") || starts_with(name, "trusted.")) && (error == ENOTSUP || error == EPERM);
}

}  // namespace

bool keeps_extended(const std::string& name) {
  if (starts_with(name, "trusted.overlay.") || starts_with(name, "user.overlay.")) return false;
  return starts_with(name, "user.") || starts_with(name, "trusted.") || starts_with(name, "system.posix_acl_") ||
         name == "security.capability";
}

void apply(int fd, const Attributes& attributes, const std::string& entry) {
  if (fchown(fd, attributes.uid, attributes.gid) != 0) give_up(entry, "chown");
  if (fchmod(fd, attributes.mode) != 0) give_up(entry, "chmod");
  for (const auto& [name, value] : attributes.extended) {
    if (fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) != 0 && !may_lack(name, errno)) give_up(entry, "setxattr");
  }
}

void apply_unopened(int folder, const char* name, mode_t type, const Attributes& attributes, const std::string& entry) {
  if (fchownat(folder, name, attributes.uid, attributes.gid, AT_SYMLINK_NOFOLLOW) != 0) give_up(entry, "chown");
  if (type != S_IFLNK && (attributes.mode & kSpecialBits) != 0 && fchmodat(folder, name, attributes.mode, 0) != 0) give_up(entry, "chmod");
  if (!attributes.extended.empty()) {
    // There is no call that takes a folder and a name before Linux 6.13 (setxattrat).
    if (fchdir(folder) != 0) give_up(entry, "chdir");
    for (const auto& [key, value] : attributes.extended) {
      if (lsetxattr(name, key.c_str(), value.data(), value.size(), 0) != 0 && !may_lack(key, errno)) give_up(entry, "setxattr");
    }
    if (chdir("/") != 0) give_up(entry, "chdir");
  }
  const timespec times[] = {attributes.mtime, attributes.mtime};
  if (utimensat(folder, name, times, AT_SYMLINK_NOFOLLOW) != 0) give_up(entry, "utimensat");
}

void set_times(int fd, const timespec& mtime, const std::string& entry) {
  const timespec times[] = {mtime, mtime};
  if (futimens(fd, times) != 0) give_up(entry, "utimensat");
}

Attributes read_attributes(int fd, const struct stat& status) {
  Attributes attributes{status.st_uid, status.st_gid, status.st_mode & 07777, status.st_mtim, {}};
  std::string names(64 * 1024, 0);  // XATTR_LIST_MAX
  ssize_t size = flistxattr(fd, names.data(), names.size());
  if (size < 0) return attributes;
  names.resize(static_cast<size_t>(size));
  for (const char* name = names.c_str(); name < names.c_str() + names.size(); name += strlen(name) + 1) {
    if (!keeps_extended(name)) continue;
    std::string value(64 * 1024, 0);  // XATTR_SIZE_MAX
    ssize_t length = fgetxattr(fd, name, value.data(), value.size());
    if (length < 0) continue;
    value.resize(static_cast<size_t>(length));
    attributes.extended.emplace_back(name, value);
  }
  return attributes;
}

}  // namespace tsrun::archive
