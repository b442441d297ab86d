#include "steps/copy_up.h"

#include <linux/openat2.h>
#include <sys/stat.h>
#include <time.h>

#include "sys/directory.h"

namespace tsrun {
namespace {

// The image may be deeper than the stack.
constexpr int kMostDepth = 100;
constexpr size_t kMostAtOnce = size_t{1} << 30;

struct Entry {
  int from;
  int to;
  const char* name;
  struct stat info;
};

Status open_below(int folder, const char* name, uint64_t flags, UniqueFd* into) {
  const open_how how{flags | O_NOFOLLOW | O_CLOEXEC, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
  return take(sys::call<SYS_openat2>(folder, name, &how, sizeof how), into);
}

Status finish(const Entry& entry, bool has_mode) {
  const timespec times[2] = {entry.info.st_atim, entry.info.st_mtim};
  TSRUN_TRY(sys::call<SYS_fchownat>(entry.to, entry.name, entry.info.st_uid, entry.info.st_gid, AT_SYMLINK_NOFOLLOW).status());
  // After the owner, whose change clears set-id bits (chown(2)).
  if (has_mode) TSRUN_TRY(sys::call<SYS_fchmodat>(entry.to, entry.name, entry.info.st_mode & 07777U).status());
  return sys::call<SYS_utimensat>(entry.to, entry.name, times, AT_SYMLINK_NOFOLLOW).status();
}

Status copy_file(const Entry& entry) {
  UniqueFd source;
  UniqueFd copy;
  TSRUN_TRY(open_below(entry.from, entry.name, O_RDONLY | O_NONBLOCK, &source));
  TSRUN_TRY(take(sys::call<SYS_openat>(entry.to, entry.name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600), &copy));
  for (;;) {
    sys::Outcome sent = sys::call<SYS_sendfile>(copy.get(), source.get(), 0, kMostAtOnce);
    if (!sent.ok()) return sent.status();
    if (sent.value == 0) return finish(entry, true);
  }
}

Status copy_link(const Entry& entry) {
  char text[4096];
  sys::Outcome read = sys::call<SYS_readlinkat>(entry.from, entry.name, text, sizeof text - 1);
  if (!read.ok()) return read.status();
  text[read.value] = 0;
  TSRUN_TRY(sys::call<SYS_symlinkat>(text, entry.to, entry.name).status());
  return finish(entry, false);
}

Status copy_entries(int from, int to, int depth);

Status copy_directory(const Entry& entry, int depth) {
  UniqueFd source;
  UniqueFd copy;
  Status opened = open_below(entry.from, entry.name, O_RDONLY | O_DIRECTORY, &source);
  TSRUN_TRY(sys::call<SYS_mkdirat>(entry.to, entry.name, 0700).status());
  // What is mounted there is not the image's.
  if (opened.error == EXDEV) return finish(entry, true);
  TSRUN_TRY(opened);
  TSRUN_TRY(take(sys::call<SYS_openat>(entry.to, entry.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), &copy));
  TSRUN_TRY(copy_entries(source.get(), copy.get(), depth));
  return finish(entry, true);
}

Status copy_entry(Entry& entry, int depth) {
  TSRUN_TRY(sys::call<SYS_newfstatat>(entry.from, entry.name, &entry.info, AT_SYMLINK_NOFOLLOW).status());
  if (S_ISDIR(entry.info.st_mode)) return copy_directory(entry, depth);
  if (S_ISREG(entry.info.st_mode)) return copy_file(entry);
  if (S_ISLNK(entry.info.st_mode)) return copy_link(entry);
  TSRUN_TRY(sys::call<SYS_mknodat>(entry.to, entry.name, entry.info.st_mode, entry.info.st_rdev).status());
  return finish(entry, true);
}

Status copy_entries(int from, int to, int depth) {
  if (depth > kMostDepth) return Status{SYS_getdents64, ELOOP};
  alignas(DirectoryEntry) char names[2048];
  for (;;) {
    sys::Outcome read = sys::call<SYS_getdents64>(from, names, sizeof names);
    if (!read.ok()) return read.status();
    if (read.value == 0) return kOk;
    for (long at = 0; at < read.value;) {
      auto* each = reinterpret_cast<DirectoryEntry*>(names + at);
      at += each->size;
      Entry entry{from, to, each->name, {}};
      if (!is_dots(each->name)) TSRUN_TRY(copy_entry(entry, depth + 1));
    }
  }
}

}  // namespace

Status copy_folder(int from, int to) {
  UniqueFd source;
  UniqueFd copy;
  TSRUN_TRY(take(sys::call<SYS_openat>(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), &source));
  TSRUN_TRY(take(sys::call<SYS_openat>(to, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), &copy));
  return copy_entries(source.get(), copy.get(), 0);
}

Status copy_owner_and_mode(int from, int to) {
  struct stat info;
  TSRUN_TRY(sys::call<SYS_newfstatat>(from, "", &info, AT_EMPTY_PATH).status());
  TSRUN_TRY(sys::call<SYS_fchownat>(to, "", info.st_uid, info.st_gid, AT_EMPTY_PATH).status());
  return sys::call<SYS_fchmodat>(to, ".", info.st_mode & 07777U).status();
}

}  // namespace tsrun
