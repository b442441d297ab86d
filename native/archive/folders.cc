// The folders of a tree: found, made where an archive does not hold them, and kept open for the next entry.
#include <errno.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>

#include "archive/failure.h"
#include "archive/files.h"
#include "archive/tree.h"

namespace tsrun::archive {
namespace {

// An archive goes from folder to folder and back; a few are enough.
constexpr size_t kMostOpen = 8;
constexpr int kMostLinks = 40;
constexpr int kOpenFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

// A layer has no mounts; what a container has mounted in its tree is a part of it.
int open_beneath(int root, const char* path, bool layer) {
  open_how how{};
  how.flags = kOpenFolder;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | (layer ? RESOLVE_NO_XDEV : 0);
  return static_cast<int>(syscall(SYS_openat2, root, path, &how, sizeof how));
}

std::string joined(const std::vector<std::string>& parts, size_t from, size_t to) {
  std::string text;
  for (size_t index = from; index < to; ++index) text += (text.empty() ? "" : "/") + parts[index];
  return text;
}

// On the way to an entry: the time of the folder that it lies in is not to tell of it.
UniqueFd make_folder(int parent, const char* name, const std::string& entry) {
  struct stat status {};
  if (fstat(parent, &status) != 0) give_up(entry, "fstat");
  if (mkdirat(parent, name, 0755) != 0) give_up(entry, "mkdirat");
  UniqueFd made(openat(parent, name, kOpenFolder));
  if (!made.valid()) give_up(entry, "openat");
  set_times(parent, status.st_mtim, entry);
  return made;
}

std::string read_link(int link) {
  std::string target(4096, 0);
  ssize_t size = readlinkat(link, "", target.data(), target.size());
  target.resize(size < 0 ? 0 : static_cast<size_t>(size));
  return target;
}

// The folder that a link leads to, as text: what stands before it is through no link, so that `..` can be taken off.
std::string followed(const std::string& before, const std::string& target, const std::string& after) {
  std::vector<std::string> parts;
  std::string whole = (target.empty() || target[0] != '/' ? before + '/' : "") + target + '/' + after;
  for (size_t at = 0; at < whole.size();) {
    size_t end = std::min(whole.find('/', at), whole.size());
    std::string part = whole.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part != "..") parts.push_back(part);
    else if (!parts.empty()) parts.pop_back();
  }
  return joined(parts, 0, parts.size());
}

}  // namespace

Tree::Tree(UniqueFd root, const TreeRules& rules) : root_(static_cast<UniqueFd&&>(root)), rules_(rules) {}

OpenFolder& Tree::parent_of(const EntryPath& path, std::string* name) {
  OpenFolder& parent = *find_parent_of(path, name, Need::kMake);
  hold(child_of(parent, name->c_str()));
  return parent;
}

std::string child_of(const OpenFolder& folder, const char* name) { return folder.path.empty() ? name : folder.path + '/' + name; }

// What the archive holds, it holds with the folders that it lies in.
void Tree::hold(const std::string& path) {
  for (size_t end = path.size(); !unheld_.empty() && end != 0 && end != std::string::npos; end = path.rfind('/', end - 1)) unheld_.erase(path.substr(0, end));
}

// Null only for who does not need it.
OpenFolder* Tree::find_parent_of(const EntryPath& path, std::string* name, Need need) {
  EntryPath folder;
  std::string_view text = path.parent();
  if (!text.empty() && folder.parse(text) != nullptr) refuse(path.text(), "its name is too long");
  *name = path.name();
  return open_folder(folder, path, need);
}

OpenFolder* Tree::open_folder(const EntryPath& folder, const EntryPath& entry, Need need) {
  for (auto& each : open_) {
    if (each->path != folder.text()) continue;
    each->used = ++clock_;
    return each.get();
  }
  UniqueFd fd(open_beneath(root_.get(), folder.is_root() ? "." : folder.text().c_str(), rules_.layer));
  if (!fd.valid()) {
    if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) give_up(entry.text(), "openat2");
    return walk_to(folder, entry, need);
  }
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) give_up(entry.text(), "fstat");
  return &keep(folder.text(), static_cast<UniqueFd&&>(fd), status.st_mtim);
}

// Part by part, to find what is missing, or what is in the way.
OpenFolder* Tree::walk_to(EntryPath folder, const EntryPath& entry, Need need) {
  for (int links = 0; links < kMostLinks; ++links) {
    UniqueFd at(openat(root_.get(), ".", kOpenFolder));
    bool hidden = false;
    EntryPath elsewhere;
    for (size_t depth = 0; depth < folder.parts().size() && elsewhere.is_root(); ++depth) {
      UniqueFd next = open_part(at.get(), folder.parts()[depth].c_str(), entry, need);
      if (!next.valid()) next = make_missing(at.get(), folder, depth, hidden, &elsewhere, entry, need);
      if (!elsewhere.is_root()) break;
      if (!next.valid()) return nullptr;
      hidden = hidden || is_hidden(next.get());
      at = static_cast<UniqueFd&&>(next);
    }
    if (elsewhere.is_root()) {
      struct stat status {};
      if (fstat(at.get(), &status) != 0) give_up(entry.text(), "fstat");
      return &keep(folder.text(), static_cast<UniqueFd&&>(at), status.st_mtim);
    }
    folder = elsewhere;
  }
  refuse(entry.text(), "the links of the layers below that lead to its folder go in a circle");
}

// Not valid when there is none, or something else that may stay.
UniqueFd Tree::open_part(int parent, const char* name, const EntryPath& entry, Need need) {
  UniqueFd fd(openat(parent, name, kOpenFolder));
  if (fd.valid() || errno == ENOENT) return fd;
  if (errno != ENOTDIR && errno != ELOOP) give_up(entry.text(), "openat");
  struct stat status {};
  if (!look(parent, name, &status)) return fd;
  if (S_ISLNK(status.st_mode)) refuse(entry.text(), "the way to it leads through a link of the same archive");
  if (need == Need::kFind) return fd;
  if (!is_whiteout(status)) refuse(entry.text(), "what it should lie in is no folder");
  // What the archive takes away below, and puts something else in the place of.
  if (unlinkat(parent, name, 0) != 0) give_up(entry.text(), "unlinkat");
  fd = make_folder(parent, name, entry.text());
  make_opaque(fd.get(), entry);
  return fd;
}

// `elsewhere` becomes another folder where a link of the layers below leads there.
UniqueFd Tree::make_missing(int parent, const EntryPath& folder, size_t depth, bool hidden, EntryPath* elsewhere, const EntryPath& entry, Need need) {
  const std::vector<std::string>& parts = folder.parts();
  struct stat status {};
  if (need == Need::kFind && (hidden || look(parent, parts[depth].c_str(), &status))) return {};
  if (!hidden && rules_.layer && rules_.lower == nullptr) depends_ = true;
  bool known = !hidden && rules_.lower != nullptr;
  LowerPlace below = known ? rules_.lower->find({parts.begin(), parts.begin() + static_cast<ptrdiff_t>(depth) + 1}) : LowerPlace{};
  if (need == Need::kFind && below.kind != LowerPlace::Kind::kLink && below.kind != LowerPlace::Kind::kFolder) return {};
  if (below.kind == LowerPlace::Kind::kOther) refuse(entry.text(), "what it should lie in is no folder in the layers below");
  if (below.kind == LowerPlace::Kind::kLink) {
    std::string text = followed(joined(parts, 0, depth), read_link(below.fds[0].get()), joined(parts, depth + 1, parts.size()));
    if (elsewhere->parse(text + "/.") != nullptr || elsewhere->is_root()) refuse(entry.text(), "a link of the layers below leads to no folder for it");
    return {};
  }
  UniqueFd made = make_folder(parent, parts[depth].c_str(), entry.text());
  if (need == Need::kFind) unheld_.insert(joined(parts, 0, depth + 1));
  if (below.kind != LowerPlace::Kind::kFolder) return made;
  UniqueFd readable(openat(below.fds[0].get(), ".", kOpenFolder));
  if (!readable.valid()) give_up(entry.text(), "openat");
  Attributes attributes = read_attributes(readable.get(), below.status);
  apply(made.get(), attributes, entry.text());
  set_times(made.get(), attributes.mtime, entry.text());
  return made;
}

bool Tree::is_hidden(int folder) const {
  char value = 0;
  return rules_.layer && fgetxattr(folder, rules_.opaque_attribute, &value, 1) == 1 && value == 'y';
}

void Tree::make_opaque(int folder, const EntryPath& entry) {
  if (fsetxattr(folder, rules_.opaque_attribute, "y", 1, 0) != 0) give_up(entry.text(), "setxattr", rules_.opaque_attribute);
}

// Overlayfs shows whiteouts, as names that cannot be looked up, in a folder that has none below it to merge with: it may be opaque, or lie
// in one that is, or no layer below may have it. Not so where it takes the folder for copied up: ovl_get_inode, since Linux 4.14.
void Tree::mark_whiteouts(int folder, const EntryPath& entry) {
  if (fsetxattr(folder, rules_.origin_attribute, "", 0, 0) != 0) give_up(entry.text(), "setxattr", rules_.origin_attribute);
}

OpenFolder& Tree::keep(const std::string& path, UniqueFd fd, const timespec& mtime) {
  if (open_.size() >= kMostOpen) {
    auto oldest = std::min_element(open_.begin(), open_.end(), [](const auto& a, const auto& b) { return a->used < b->used; });
    let_go(**oldest);
    open_.erase(oldest);
  }
  open_.push_back(std::make_unique<OpenFolder>(OpenFolder{path, static_cast<UniqueFd&&>(fd), mtime, ++clock_}));
  return *open_.back();
}

void Tree::let_go(OpenFolder& folder) {
  set_times(folder.fd.get(), folder.mtime, folder.path);
  folder.fd.reset();
}

// What is removed is not looked at again by a descriptor that is still open.
void Tree::forget_below(const std::string& path) {
  auto below = [&path](const auto& each) { return each->path == path || each->path.substr(0, path.size() + 1) == path + '/'; };
  open_.erase(std::remove_if(open_.begin(), open_.end(), below), open_.end());
}

void Tree::finish() {
  for (auto& [path, list] : defaults_) {
    UniqueFd fd(open_beneath(root_.get(), path.is_root() ? "." : path.text().c_str(), rules_.layer));
    // Something else may have taken the folder's place, and there are file systems without access lists.
    if (fd.valid()) (void)fsetxattr(fd.get(), "system.posix_acl_default", list.data(), list.size(), 0);
  }
  for (auto& each : open_) let_go(*each);
  open_.clear();
  if (rules_.layer && syncfs(root_.get()) != 0) give_up("", "syncfs");
}

}  // namespace tsrun::archive
