#include "archive/tree.h"

#include <errno.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "archive/failure.h"
#include "archive/files.h"

namespace tsrun::archive {
namespace {

constexpr int kOpenFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
constexpr std::string_view kDefaultAccess = "system.posix_acl_default";
constexpr size_t kMostDefaults = 10'000;
constexpr int kNewFile = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

// Through the page cache of both: one is a descriptor of another mount.
void copy_data(int from, int to, const std::string& entry) {
  std::string buffer(size_t{256} * 1024, 0);
  for (;;) {
    ssize_t size = read(from, buffer.data(), buffer.size());
    if (size < 0) give_up(entry, "read");
    if (size == 0) return;
    if (!write_all(to, buffer.data(), static_cast<size_t>(size)).ok()) give_up(entry, "write");
  }
}

}  // namespace

void Tree::prepare_root() {
  if (rules_.layer) add_folder(EntryPath(), Attributes());
}

// Over a folder that is there only its attributes change.
void Tree::add_folder(const EntryPath& path, Attributes attributes) {
  put_off_defaults(path, &attributes);
  if (path.is_root()) {
    OpenFolder& root = *open_folder(path, path, Need::kMake);
    apply(root.fd.get(), attributes, path.text());
    root.mtime = attributes.mtime;
    return;
  }
  std::string name;
  OpenFolder& parent = parent_of(path, &name);
  bool fresh = false;
  bool was_there = false;
  if (mkdirat(parent.fd.get(), name.c_str(), 0700) != 0) {
    if (errno != EEXIST) give_up(path.text(), "mkdirat");
    struct stat status {};
    was_there = look(parent.fd.get(), name.c_str(), &status) && S_ISDIR(status.st_mode);
    if (!was_there) {
      clear(parent, name.c_str(), path.text(), true);
      if (mkdirat(parent.fd.get(), name.c_str(), 0700) != 0) give_up(path.text(), "mkdirat");
      fresh = rules_.layer && is_whiteout(status);
    }
  }
  UniqueFd fd(openat(parent.fd.get(), name.c_str(), kOpenFolder));
  if (!fd.valid()) give_up(path.text(), "openat");
  if (fresh) make_opaque(fd.get(), path);
  // It may have been made for what is in it, as the layers below have it.
  if (was_there && rules_.layer) remove_others(fd.get(), attributes, path.text());
  apply(fd.get(), attributes, path.text());
  std::string at = child_of(parent, name.c_str());
  for (auto& each : open_) {
    if (each->path != at) continue;
    each->mtime = attributes.mtime;
    return;
  }
  keep(at, static_cast<UniqueFd&&>(fd), attributes.mtime);
}

void Tree::put_off_defaults(const EntryPath& path, Attributes* attributes) {
  auto& all = attributes->extended;
  for (auto each = all.begin(); each != all.end(); ++each) {
    if (each->first != kDefaultAccess) continue;
    if (defaults_.size() == kMostDefaults) refuse(path.text(), "more folders than ten thousand have default access lists");
    defaults_.emplace_back(path, each->second);
    all.erase(each);
    return;
  }
}

UniqueFd Tree::add_file(const EntryPath& path) {
  std::string name;
  OpenFolder& parent = parent_of(path, &name);
  UniqueFd file(openat(parent.fd.get(), name.c_str(), kNewFile, 0600));
  if (file.valid()) return file;
  if (errno != EEXIST) give_up(path.text(), "openat");
  clear(parent, name.c_str(), path.text());
  file.reset(openat(parent.fd.get(), name.c_str(), kNewFile, 0600));
  if (!file.valid()) give_up(path.text(), "openat");
  return file;
}

void Tree::add_symlink(const EntryPath& path, const char* target, const Attributes& attributes) {
  std::string name;
  OpenFolder& parent = parent_of(path, &name);
  if (symlinkat(target, parent.fd.get(), name.c_str()) != 0) {
    if (errno != EEXIST) give_up(path.text(), "symlinkat");
    clear(parent, name.c_str(), path.text());
    if (symlinkat(target, parent.fd.get(), name.c_str()) != 0) give_up(path.text(), "symlinkat");
  }
  apply_unopened(parent.fd.get(), name.c_str(), S_IFLNK, attributes, path.text());
}

void Tree::add_pipe(const EntryPath& path, const Attributes& attributes) {
  std::string name;
  OpenFolder& parent = parent_of(path, &name);
  mode_t mode = S_IFIFO | (attributes.mode & 0777);
  if (mknodat(parent.fd.get(), name.c_str(), mode, 0) != 0) {
    if (errno != EEXIST) give_up(path.text(), "mknodat");
    clear(parent, name.c_str(), path.text());
    if (mknodat(parent.fd.get(), name.c_str(), mode, 0) != 0) give_up(path.text(), "mknodat");
  }
  apply_unopened(parent.fd.get(), name.c_str(), S_IFIFO, attributes, path.text());
}

// The name itself, should it be a link (linkat(2) follows none unless told to).
void Tree::add_hard_link(const EntryPath& path, const EntryPath& target) {
  if (target.is_root() || target.text() == path.text()) refuse(path.text(), "it is a hard link to itself or to the root");
  std::string target_name;
  OpenFolder& source = parent_of(target, &target_name);
  UniqueFd from(openat(source.fd.get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!from.valid()) give_up(path.text(), "openat");
  struct stat status {};
  bool there = look(from.get(), target_name.c_str(), &status);
  if (there && is_whiteout(status)) refuse(path.text(), "it is a hard link to what the same archive takes away");
  if (!there && !copy_from_lower(target, path)) return;
  if (there && S_ISDIR(status.st_mode)) {
    // It may have been made for want of knowing what is below: a link, perhaps.
    if (depends_) return;
    refuse(path.text(), "it is a hard link to a folder");
  }
  std::string name;
  OpenFolder& parent = parent_of(path, &name);
  struct stat other {};
  if (look(parent.fd.get(), name.c_str(), &other)) clear(parent, name.c_str(), path.text());
  if (linkat(from.get(), target_name.c_str(), parent.fd.get(), name.c_str(), 0) == 0) return;
  if (errno == ENOENT) refuse(path.text(), "it is a hard link to what is not there");
  if (errno == EMLINK) refuse(path.text(), "it is one hard link more than the file system holds");
  give_up(path.text(), "linkat");
}

// A lower layer's file gets a name in this one only by being copied, as overlayfs does it. False when that is not known.
bool Tree::copy_from_lower(const EntryPath& target, const EntryPath& entry) {
  if (!rules_.layer || hides_below(target)) refuse(entry.text(), "it is a hard link to what is not there");
  if (rules_.lower == nullptr) {
    depends_ = true;
    return false;
  }
  LowerPlace below = rules_.lower->find(target.parts());
  bool link = below.kind == LowerPlace::Kind::kLink;
  if (!link && (below.kind != LowerPlace::Kind::kOther || !S_ISREG(below.status.st_mode))) {
    refuse(entry.text(), "it is a hard link to what is not there");
  }
  Attributes attributes{below.status.st_uid, below.status.st_gid, below.status.st_mode & 07777, below.status.st_mtim, {}};
  if (link) {
    std::string text(4096, 0);
    ssize_t size = readlinkat(below.fds[0].get(), "", text.data(), text.size() - 1);
    if (size < 0) give_up(entry.text(), "readlinkat");
    add_symlink(target, text.c_str(), attributes);
    return true;
  }
  EntryPath folder;
  LowerPlace parent = target.parts().size() == 1 || folder.parse(target.parent()) != nullptr ? rules_.lower->root() : rules_.lower->find(folder.parts());
  UniqueFd from;
  for (const UniqueFd& layer : parent.fds) {
    from.reset(openat(layer.get(), target.name(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (from.valid()) break;
  }
  if (!from.valid()) give_up(entry.text(), "openat");
  attributes = read_attributes(from.get(), below.status);
  UniqueFd to = add_file(target);
  copy_data(from.get(), to.get(), entry.text());
  apply(to.get(), attributes, entry.text());
  set_times(to.get(), attributes.mtime, entry.text());
  return true;
}

// Whether the archive itself parts a folder on the way from those below it.
bool Tree::hides_below(const EntryPath& path) const {
  UniqueFd at(openat(root_.get(), ".", kOpenFolder));
  for (size_t depth = 0; depth + 1 < path.parts().size(); ++depth) {
    at.reset(openat(at.get(), path.parts()[depth].c_str(), kOpenFolder));
    if (!at.valid()) return false;
    if (is_hidden(at.get())) return true;
  }
  return false;
}

// Of the layers below alone: what the archive itself holds stays, whatever comes first (layer.md of image-spec, "Whiteouts"). Where
// there is no folder, nothing is to be taken away; one that was made for whiteouts alone is the layers' below, as umoci has it too.
void Tree::add_whiteout(const EntryPath& path) {
  std::string name;
  OpenFolder* found = find_parent_of(path, &name, Need::kFind);
  if (found == nullptr) return;
  OpenFolder& parent = *found;
  const char* hidden = name.c_str() + kWhiteoutPrefix.size();
  struct stat status {};
  if (!look(parent.fd.get(), hidden, &status)) return put_whiteout(parent, hidden, path);
  if (!S_ISDIR(status.st_mode)) return;
  if (unheld_.erase(child_of(parent, hidden)) != 0) {
    clear(parent, hidden, path.text());
    return put_whiteout(parent, hidden, path);
  }
  UniqueFd folder(openat(parent.fd.get(), hidden, kOpenFolder));
  if (!folder.valid()) give_up(path.text(), "openat");
  make_opaque(folder.get(), path);
}

void Tree::put_whiteout(const OpenFolder& parent, const char* name, const EntryPath& entry) {
  if (mknodat(parent.fd.get(), name, S_IFCHR, makedev(0, 0)) != 0) give_up(entry.text(), "mknodat");
  mark_whiteouts(parent.fd.get(), entry);
}

void Tree::add_opaque(const EntryPath& path) {
  std::string name;
  OpenFolder* folder = find_parent_of(path, &name, Need::kFind);
  if (folder == nullptr) return;
  if (folder->path.empty()) hide_root_children(path);
  else make_opaque(folder->fd.get(), path);
}

// overlayfs does not look for the attribute at the root of a layer.
void Tree::hide_root_children(const EntryPath& entry) {
  if (rules_.lower == nullptr) {
    depends_ = true;
    return;
  }
  // Once: what the layers below hold does not change, however often an archive says it.
  if (hides_root_) return;
  hides_root_ = true;
  for (const std::string& each : rules_.lower->root_names()) {
    EntryPath path;
    if (path.parse(std::string(kWhiteoutPrefix) + each) != nullptr) refuse(entry.text(), "a name in a layer below is too long");
    add_whiteout(path);
  }
}

// Files that are copied into a tree never take the place of a folder, nor a folder theirs, as docker cp has it.
void Tree::clear(OpenFolder& parent, const char* name, const std::string& entry, bool for_folder) {
  if (!rules_.layer) {
    struct stat status {};
    if (for_folder) refuse(entry, "there is a file in the place of the folder");
    if (look(parent.fd.get(), name, &status) && S_ISDIR(status.st_mode)) refuse(entry, "there is a folder in its place");
  }
  // By where it lies: a link of the layers below may have led there.
  forget_below(child_of(parent, name));
  remove_all(parent.fd.get(), name);
}

}  // namespace tsrun::archive
