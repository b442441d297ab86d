#include "archive/list.h"

#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "archive/digest.h"
#include "archive/failure.h"
#include "archive/files.h"
#include "archive/output.h"
#include "archive/walk.h"

namespace tsrun::archive {
namespace {

constexpr std::string_view kNul("\0", 1);

std::string content_digest(int fd) {
  static char buffer[256 * 1024];
  Digest digest;
  for (;;) {
    ssize_t size = read(fd, buffer, sizeof buffer);
    if (size <= 0) return size < 0 ? "" : digest.text();
    digest.add({buffer, static_cast<size_t>(size)});
  }
}

// Of all of them; empty where there are none.
std::string extended_digest(const Attributes& attributes) {
  if (attributes.extended.empty()) return "";
  Digest digest;
  for (const auto& [name, value] : attributes.extended) {
    digest.add(name);
    digest.add(kNul);
    digest.add(std::to_string(value.size()));
    digest.add(kNul);
    digest.add(value);
  }
  return digest.text();
}

bool is_opaque(int folder) {
  char value = 0;
  for (const char* name : {"trusted.overlay.opaque", "user.overlay.opaque"}) {
    if (fgetxattr(folder, name, &value, 1) == 1 && value == 'y') return true;
  }
  return false;
}

}  // namespace

int list(int root, const std::string& path, bool follow, bool content) {
  Output output;
  uint64_t entries = 0;
  walk(path, WalkRules{follow, false, root}, [&](const Found& found) {
    const struct stat& status = found.status;
    ++entries;
    bool device = S_ISCHR(status.st_mode) || S_ISBLK(status.st_mode);
    output.put_field(found.path);
    output.put_field(type_word(status));
    output.put_field(std::to_string(status.st_mode & 07777));
    output.put_field(std::to_string(status.st_uid));
    output.put_field(std::to_string(status.st_gid));
    output.put_field(S_ISREG(status.st_mode) ? std::to_string(status.st_size) : "0");
    output.put_field(std::to_string(status.st_mtim.tv_sec));
    output.put_field(std::to_string(status.st_mtim.tv_nsec));
    output.put_field(device ? std::to_string(major(status.st_rdev)) + ':' + std::to_string(minor(status.st_rdev)) : "");
    output.put_field(!S_ISDIR(status.st_mode) && status.st_nlink > 1 ? std::to_string(status.st_ino) : "");
    output.put_field(S_ISLNK(status.st_mode) ? link_target(found) : "");
    output.put_field(extended_digest(attributes_of(found)));
    output.put_field(S_ISDIR(status.st_mode) && is_opaque(found.fd) ? "opaque" : "");
    output.put_field(content && S_ISREG(status.st_mode) ? content_digest(found.fd) : "");
  });
  output.flush();
  say("{\"entries\":" + std::to_string(entries) + "}");
  return 0;
}

}  // namespace tsrun::archive
