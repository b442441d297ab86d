// Owner, mode, extended attributes and times, in the order in which they do not undo each other: chown(2) clears set-user-ID bits
// and capabilities, and a write clears capabilities too.
#ifndef TSRUN_ARCHIVE_ATTRIBUTES_H_
#define TSRUN_ARCHIVE_ATTRIBUTES_H_

#include <sys/stat.h>
#include <time.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace tsrun::archive {

using ExtendedAttributes = std::vector<std::pair<std::string, std::string>>;

struct Attributes {
  uid_t uid = 0;
  gid_t gid = 0;
  mode_t mode = 0755;  // the lower twelve bits
  timespec mtime{};
  ExtendedAttributes extended;
};

// Whether layers keep an extended attribute of this name: not overlayfs's own, and not what is of the machine that it was made on
// (labels, measurements).
bool keeps_extended(const std::string& name);

// What is open for reading or writing, but for its times.
void apply(int fd, const Attributes& attributes, const std::string& entry);

// Takes away the extended attributes that are kept and are not among these.
void remove_others(int fd, const Attributes& attributes, const std::string& entry);
// Links, pipes and devices, with their times: single names of a folder.
void apply_unopened(int folder, const char* name, mode_t type, const Attributes& attributes, const std::string& entry);
void set_times(int fd, const timespec& mtime, const std::string& entry);

// Those that layers keep, by calls such as flistxattr(2) and fgetxattr(2).
ExtendedAttributes read_extended(const std::function<ssize_t(char*, size_t)>& list,
                                 const std::function<ssize_t(const char*, char*, size_t)>& get);
// As they are on the disk.
Attributes read_attributes(int fd, const struct stat& status);

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_ATTRIBUTES_H_
