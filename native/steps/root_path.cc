#include "steps/root_path.h"

#include "sys/kernel.h"

namespace tsrun {
namespace {

inline constexpr size_t kMaxPath = 4096;

// A copy of a path that can be cut at its slashes.
struct PathCopy {
  char text[kMaxPath];

  Status assign(Text path) {
    if (path.size >= kMaxPath) return Status{SYS_openat2, ENAMETOOLONG};
    memcpy(text, path.data, path.size + size_t{1});
    size_t length = path.size;
    while (length > 1 && text[length - 1] == '/') text[--length] = 0;
    return kOk;
  }
};

// How a path is looked up: as it was asked for, or as a link of the image says.
enum class Origin : uint8_t { kAsked, kImage };

Status open_place(int root, const char* path, uint64_t flags, Origin origin, UniqueFd* into) {
  if (origin == Origin::kAsked) {
    Status opened = open_in_root(root, path, flags, Links::kRefuse, into);
    if (opened.error != ELOOP) return opened;
  }
  return open_in_root(root, path, flags, Links::kFollowInImage, into);
}

Status open_parent_of(int root, Text path, Origin origin, UniqueFd* parent, const char** name) {
  PathCopy copy;
  TSRUN_TRY(copy.assign(path));
  char* slash = strrchr(copy.text, '/');
  const char* last = slash == nullptr ? copy.text : slash + 1;
  if (*last == 0 || strcmp(last, ".") == 0 || strcmp(last, "..") == 0) return Status{SYS_openat2, EINVAL};
  *name = path.data + (last - copy.text);
  if (path.data[path.size - 1] == '/') return Status{SYS_openat2, EINVAL};
  bool below_root = slash == nullptr || slash == copy.text;
  if (!below_root) *slash = 0;
  return open_place(root, below_root ? "." : copy.text, O_PATH | O_DIRECTORY, origin, parent);
}

Status make_directory_in_parent(int root, Text path, Origin origin) {
  UniqueFd parent;
  const char* name;
  TSRUN_TRY(open_parent_of(root, path, origin, &parent, &name));
  sys::Outcome made = sys::call<SYS_mkdirat>(parent.get(), name, 0755);
  // Somebody may have been quicker; what stands there is looked at when it is opened.
  return made.error() == EEXIST ? kOk : made.status();
}

Status make_file_in_parent(int root, Text path, Origin origin) {
  UniqueFd parent;
  UniqueFd file;
  const char* name;
  TSRUN_TRY(open_parent_of(root, path, origin, &parent, &name));
  Status made = take(sys::call<SYS_openat>(parent.get(), name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_RDONLY, 0644), &file);
  return made.error == EEXIST ? kOk : made;
}

Status make_missing_parents(int root, Text path, Origin origin) {
  PathCopy copy;
  TSRUN_TRY(copy.assign(path));
  for (char* at = copy.text + 1;; ++at) {
    if (*at == 0) return kOk;
    if (*at != '/') continue;
    *at = 0;
    UniqueFd existing;
    Status opened = open_place(root, copy.text, O_PATH | O_DIRECTORY, origin, &existing);
    if (opened.error == ENOENT) {
      TSRUN_TRY(make_directory_in_parent(root, Text{copy.text, static_cast<uint32_t>(at - copy.text)}, origin));
    } else if (!opened.ok()) {
      return opened;
    }
    *at = '/';
  }
}

Status make_in_parent(int root, Text path, TargetKind kind, Origin origin) {
  return kind == TargetKind::kDirectory ? make_directory_in_parent(root, path, origin) : make_file_in_parent(root, path, origin);
}

Status open_existing(int root, Text path, TargetKind kind, Links links, Origin origin, UniqueFd* into) {
  uint64_t flags = O_PATH | (kind == TargetKind::kDirectory ? O_DIRECTORY : 0);
  if (links == Links::kRefuse || links == Links::kTakeLast) return open_in_root(root, path.data, flags, links, into);
  return open_place(root, path.data, flags, origin, into);
}

Status open_or_make(int root, Text path, TargetKind kind, Links links, Origin origin, UniqueFd* into) {
  Status opened = open_existing(root, path, kind, links, origin, into);
  if (opened.error != ENOENT) return opened;
  Status made = make_in_parent(root, path, kind, origin);
  if (made.error == ENOENT) {
    TSRUN_TRY(make_missing_parents(root, path, origin));
    made = make_in_parent(root, path, kind, origin);
  }
  TSRUN_TRY(made);
  return open_existing(root, path, kind, links, origin, into);
}

// Where a link of the image leads, as a path from the root, with `rest` behind it.
Status read_link(int root, Text path, const char* rest, Origin origin, PathCopy* target) {
  UniqueFd parent;
  const char* name;
  TSRUN_TRY(open_parent_of(root, path, origin, &parent, &name));
  auto folder = static_cast<size_t>(name - path.data);
  char* at = target->text;
  sys::Outcome read = sys::call<SYS_readlinkat>(parent.get(), name, at + folder, kMaxPath - 1 - folder);
  if (!read.ok()) return read.status();
  size_t length = static_cast<size_t>(read.value);
  size_t rest_size = strlen(rest) + 1;
  if (folder + length + rest_size >= kMaxPath) return Status{SYS_readlinkat, ENAMETOOLONG};
  if (at[folder] == '/') {
    memmove(at, at + folder, length);
    folder = 0;
  } else {
    memcpy(at, path.data, folder);
  }
  memcpy(at + folder + length, rest, rest_size);
  return kOk;
}

// The same of the first link on a path that leads nowhere.
Status read_dead_link(int root, Text path, Origin origin, PathCopy* target) {
  PathCopy copy;
  TSRUN_TRY(copy.assign(path));
  for (char* at = copy.text + 1;; ++at) {
    bool last = *at == 0;
    if (*at != '/' && !last) continue;
    *at = 0;
    UniqueFd existing;
    Status opened = open_place(root, copy.text, O_PATH, origin, &existing);
    auto size = static_cast<uint32_t>(at - copy.text);
    if (opened.error == ENOENT) return read_link(root, Text{copy.text, size}, path.data + size, origin, target);
    if (!opened.ok() || last) return opened;
    *at = '/';
  }
}

// Of links that lead to where nothing is yet, one after the other.
constexpr int kMostLinks = 4;

}  // namespace

Status open_in_root(int root, const char* path, uint64_t flags, Links links, UniqueFd* into) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  if (links == Links::kRefuse || links == Links::kTakeLast) how.resolve |= RESOLVE_NO_SYMLINKS;
  if (links == Links::kTakeLast) how.flags |= O_NOFOLLOW;
  if (links == Links::kFollowInImage) how.resolve |= RESOLVE_NO_XDEV;
  // Any rename or mount on the host, while `..` is passed, makes the kernel unsure whether it is still inside (openat2(2)).
  constexpr int kMostTries = 128;
  Status opened{SYS_openat2, EAGAIN};
  for (int tries = 0; opened.error == EAGAIN && tries < kMostTries; ++tries) {
    opened = take(sys::call<SYS_openat2>(root, path, &how, sizeof how), into);
  }
  return opened;
}

Status open_parent(int root, Text path, UniqueFd* parent, const char** name) {
  return open_parent_of(root, path, Origin::kAsked, parent, name);
}

Status make_parents(int root, Text path) { return make_missing_parents(root, path, Origin::kAsked); }

Status open_target(int root, Text path, TargetKind kind, Links links, UniqueFd* into) {
  Origin origin = Origin::kAsked;
  PathCopy behind[kMostLinks];
  Status opened = open_or_make(root, path, kind, links, origin, into);
  // What can be neither opened nor made has a link on its way that leads nowhere.
  for (int count = 0; opened.error == ENOENT && links == Links::kFollowInImage && count < kMostLinks; ++count) {
    if (!read_dead_link(root, path, origin, &behind[count]).ok()) return opened;
    path = Text{behind[count].text, static_cast<uint32_t>(strlen(behind[count].text))};
    origin = Origin::kImage;
    opened = open_or_make(root, path, kind, links, origin, into);
  }
  return opened;
}

}  // namespace tsrun
