#include "archive/attributes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "archive/failure.h"

namespace tsrun::archive {
namespace {

constexpr mode_t kSpecialBits = 07000;

bool starts_with(std::string_view text, std::string_view prefix) { return text.substr(0, prefix.size()) == prefix; }

// Some file systems hold no attributes of users (tmpfs before Linux 6.6) or no access lists, no file but regular ones and folders
// may have the former, and those of the host's root nobody else (xattr(7)). Capabilities, which programs rely on, may not get lost.
bool may_lack(const std::string& name, int error) {
  return !starts_with(name, "security.") && (error == ENOTSUP || error == EPERM);
}

std::string owner_text(const Attributes& attributes) { return std::to_string(attributes.uid) + ':' + std::to_string(attributes.gid); }

}  // namespace

bool keeps_extended(const std::string& name) {
  if (starts_with(name, "trusted.overlay.") || starts_with(name, "user.overlay.")) return false;
  return starts_with(name, "user.") || starts_with(name, "trusted.") || starts_with(name, "system.posix_acl_") ||
         name == "security.capability";
}

void apply(int fd, const Attributes& attributes, const std::string& entry) {
  if (fchown(fd, attributes.uid, attributes.gid) != 0) give_up(entry, "chown", owner_text(attributes));
  if (fchmod(fd, attributes.mode) != 0) give_up(entry, "chmod");
  for (const auto& [name, value] : attributes.extended) {
    if (fsetxattr(fd, name.c_str(), value.data(), value.size(), 0) != 0 && !may_lack(name, errno)) give_up(entry, "setxattr", name);
  }
}

void remove_others(int fd, const Attributes& attributes, const std::string& entry) {
  static char names[64 * 1024];
  ssize_t size = flistxattr(fd, names, sizeof names);
  for (const char* name = names; name < names + size; name += strlen(name) + 1) {
    const auto& wanted = attributes.extended;
    bool stays = std::any_of(wanted.begin(), wanted.end(), [name](const auto& each) { return each.first == name; });
    if (!keeps_extended(name) || stays) continue;
    if (fremovexattr(fd, name) != 0 && !may_lack(name, errno)) give_up(entry, "removexattr", name);
  }
}

void apply_unopened(int folder, const char* name, mode_t type, const Attributes& attributes, const std::string& entry) {
  if (fchownat(folder, name, attributes.uid, attributes.gid, AT_SYMLINK_NOFOLLOW) != 0) give_up(entry, "chown", owner_text(attributes));
  if (type != S_IFLNK && (attributes.mode & kSpecialBits) != 0 && fchmodat(folder, name, attributes.mode, 0) != 0) give_up(entry, "chmod");
  if (!attributes.extended.empty()) {
    // There is no call that takes a folder and a name before Linux 6.13 (setxattrat).
    if (fchdir(folder) != 0) give_up(entry, "chdir");
    for (const auto& [key, value] : attributes.extended) {
      if (lsetxattr(name, key.c_str(), value.data(), value.size(), 0) != 0 && !may_lack(key, errno)) give_up(entry, "setxattr", key);
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

ExtendedAttributes read_extended(const std::function<ssize_t(char*, size_t)>& list,
                                 const std::function<ssize_t(const char*, char*, size_t)>& get) {
  ExtendedAttributes extended;
  // As much as the kernel gives (limits.h, XATTR_LIST_MAX and XATTR_SIZE_MAX).
  static char names[64 * 1024];
  static char value[64 * 1024];
  ssize_t size = list(names, sizeof names);
  for (const char* name = names; name < names + size; name += strlen(name) + 1) {
    if (!keeps_extended(name)) continue;
    ssize_t length = get(name, value, sizeof value);
    if (length >= 0) extended.emplace_back(name, std::string(value, static_cast<size_t>(length)));
  }
  return extended;
}

Attributes read_attributes(int fd, const struct stat& status) {
  return {status.st_uid, status.st_gid, status.st_mode & 07777, status.st_mtim,
          read_extended([fd](char* list, size_t size) { return flistxattr(fd, list, size); },
                        [fd](const char* key, char* value, size_t size) { return fgetxattr(fd, key, value, size); })};
}

}  // namespace tsrun::archive
