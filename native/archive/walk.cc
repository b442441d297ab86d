#include "archive/walk.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <vector>

#include "archive/failure.h"
#include "archive/files.h"

namespace tsrun::archive {
namespace {

// Each folder on the way is open.
constexpr unsigned kMostDepth = 512;

// Which linux/magic.h has not.
constexpr uint64_t kMessageQueues = 0x19800202;
constexpr uint64_t kConfigfs = 0x62656570;
constexpr uint64_t kFusectl = 0x65735543;

class Walk {
 public:
  Walk(bool mounts, const std::function<void(const Found&)>& use) : mounts_(mounts), use_(use) {}

  void visit(int folder, const std::string& name, const std::string& path, unsigned depth, dev_t device = 0) {
    struct stat status {};
    if (fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      if (errno == ENOENT && depth > 0) return;
      give_up(path, "fstatat");
    }
    UniqueFd fd;
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
      fd.reset(openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
      if (!fd.valid() || fstat(fd.get(), &status) != 0) {
        if (errno == ENOENT || errno == ELOOP) return;
        give_up(path, "openat");
      }
    }
    use_(Found{path, folder, name.c_str(), status, fd.get()});
    if (!S_ISDIR(status.st_mode)) return;
    if (depth > 0 && status.st_dev != device && (!mounts_ || is_of_the_kernel(fd.get()))) return;
    if (depth == kMostDepth) refuse(path, "it lies more than 512 folders deep");
    std::vector<std::string> names;
    for_each_name(fd.get(), [&names](const char* each) { names.emplace_back(each); });
    std::sort(names.begin(), names.end());
    std::string below = path.empty() ? path : path + '/';
    for (const std::string& each : names) {
      std::string inner = below;
      visit(fd.get(), each, inner.append(each), depth + 1, status.st_dev);
    }
  }

 private:
  bool mounts_;
  const std::function<void(const Found&)>& use_;
};

}  // namespace

bool is_of_the_kernel(int fd) {
  constexpr uint64_t kKinds[] = {PROC_SUPER_MAGIC, SYSFS_MAGIC,   CGROUP2_SUPER_MAGIC, CGROUP_SUPER_MAGIC, DEVPTS_SUPER_MAGIC, DEBUGFS_MAGIC,
                                 TRACEFS_MAGIC,    BPF_FS_MAGIC, SECURITYFS_MAGIC,    EFIVARFS_MAGIC,     BINFMTFS_MAGIC,     kMessageQueues,
                                 kConfigfs,        kFusectl};
  struct statfs status {};
  if (fstatfs(fd, &status) != 0) return true;
  return std::find(std::begin(kKinds), std::end(kKinds), static_cast<uint64_t>(status.f_type)) != std::end(kKinds);
}

const char* type_word(const struct stat& status) {
  switch (status.st_mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "folder";
    case S_IFLNK:
      return "link";
    case S_IFIFO:
      return "pipe";
    case S_IFSOCK:
      return "socket";
    case S_IFBLK:
      return "block";
    default:
      return is_whiteout(status) ? "whiteout" : "character";
  }
}

UniqueFd try_in_root(const std::string& path, bool follow, int flags, int root) {
  open_how how{};
  how.flags = static_cast<uint64_t>(flags | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW));
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  UniqueFd own(root < 0 ? openat(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1);
  return UniqueFd(static_cast<int>(syscall(SYS_openat2, root < 0 ? own.get() : root, path.c_str(), &how, sizeof how)));
}

UniqueFd open_in_root(const std::string& path, bool follow, int flags, int root) {
  UniqueFd found = try_in_root(path, follow, flags, root);
  if (!found.valid()) give_up(path, "openat2");
  return found;
}

// By the folder that it lies in and a single name; where a link is followed, of what it leads to.
void walk(const std::string& path, const WalkRules& rules, const std::function<void(const Found&)>& use) {
  bool follow = rules.follow;
  UniqueFd start = open_in_root(path, follow, O_PATH, rules.root);
  struct stat status {};
  if (fstat(start.get(), &status) != 0) give_up(path, "fstat");
  Walk walking(rules.mounts, use);
  if (S_ISDIR(status.st_mode)) {
    walking.visit(start.get(), ".", "", 0);
    return;
  }
  size_t slash = path.find_last_of('/');
  UniqueFd folder = open_in_root(slash == std::string::npos ? "." : path.substr(0, slash + 1), true, O_PATH | O_DIRECTORY, rules.root);
  std::string name = slash == std::string::npos ? path : path.substr(slash + 1);
  if (follow && !S_ISLNK(status.st_mode)) {
    struct stat here {};
    if (fstatat(folder.get(), name.c_str(), &here, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(here.st_mode)) {
      // A regular file is all that is of use behind a link; it is read through the descriptor that was found.
      UniqueFd file = open_in_root(path, true, O_RDONLY | O_NONBLOCK, rules.root);
      if (fstat(file.get(), &status) != 0) give_up(path, "fstat");
      use(Found{"", folder.get(), name.c_str(), status, file.get()});
      return;
    }
  }
  walking.visit(folder.get(), name, "", 0);
}

std::string link_target(const Found& found) {
  std::string target(4096, 0);
  ssize_t size = readlinkat(found.folder, found.name, target.data(), target.size());
  target.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return target;
}

Attributes attributes_of(const Found& found) {
  Attributes attributes{found.status.st_uid, found.status.st_gid, found.status.st_mode & 07777, found.status.st_mtim, {}};
  if (found.fd >= 0) {
    attributes = read_attributes(found.fd, found.status);
  } else if (fchdir(found.folder) == 0) {
    attributes.extended = read_extended([&found](char* list, size_t size) { return llistxattr(found.name, list, size); },
                                        [&found](const char* key, char* value, size_t size) { return lgetxattr(found.name, key, value, size); });
  }
  std::sort(attributes.extended.begin(), attributes.extended.end());
  return attributes;
}

}  // namespace tsrun::archive
