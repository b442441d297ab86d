// The folder that an archive is unpacked into. Every path is walked from its descriptor, through no link.
#ifndef TSRUN_ARCHIVE_TREE_H_
#define TSRUN_ARCHIVE_TREE_H_

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "archive/attributes.h"
#include "archive/entry_path.h"
#include "archive/lower_layers.h"
#include "sys/fd.h"

namespace tsrun::archive {

struct TreeRules {
  // Whether names may be whiteouts, which then are made as overlayfs has them.
  bool layer;
  // The attribute that parts a folder from those below it.
  const char* opaque_attribute;
  // The attribute that says of a folder that whiteouts are in it, though it be merged with none.
  const char* origin_attribute;
  // Null where they are not known.
  const LowerLayers* lower;
};

// A folder that is open, because entries are being put into it.
struct OpenFolder {
  std::string path;
  UniqueFd fd;
  // Each entry changes its time; it is set back when the folder is let go of.
  timespec mtime{};
  uint64_t used = 0;
};

// The path of what lies in it.
std::string child_of(const OpenFolder& folder, const char* name);

class Tree {
 public:
  Tree(UniqueFd root, const TreeRules& rules);

  // The archive names what it does not hold, and what is below is not known.
  bool depends_on_lower() const { return depends_; }

  void add_folder(const EntryPath& path, Attributes attributes);
  // An empty one, open for writing; its times are the caller's to set.
  UniqueFd add_file(const EntryPath& path);
  void add_symlink(const EntryPath& path, const char* target, const Attributes& attributes);
  void add_pipe(const EntryPath& path, const Attributes& attributes);
  void add_hard_link(const EntryPath& path, const EntryPath& target);
  void add_whiteout(const EntryPath& path);
  void add_opaque(const EntryPath& folder);
  // What an archive says nothing of: the folder may have been made private, for nobody to see it too early.
  void prepare_root();
  // Sets the times of what is open, and has all of a layer on the disk.
  void finish();

 private:
  // Whether a folder that an entry lies in is made where there is none, or is looked for alone.
  enum class Need { kMake, kFind };

  OpenFolder& parent_of(const EntryPath& path, std::string* name);
  OpenFolder* find_parent_of(const EntryPath& path, std::string* name, Need need);
  OpenFolder* open_folder(const EntryPath& folder, const EntryPath& entry, Need need);
  OpenFolder* walk_to(EntryPath folder, const EntryPath& entry, Need need);
  UniqueFd make_missing(int parent, const EntryPath& folder, size_t depth, bool hidden, EntryPath* elsewhere, const EntryPath& entry, Need need);
  UniqueFd open_part(int parent, const char* name, const EntryPath& entry, Need need);
  bool is_hidden(int folder) const;
  bool hides_below(const EntryPath& path) const;
  void make_opaque(int folder, const EntryPath& entry);
  void mark_whiteouts(int folder, const EntryPath& entry);
  void hold(const std::string& path);
  OpenFolder& keep(const std::string& path, UniqueFd fd, const timespec& mtime);
  void let_go(OpenFolder& folder);
  void forget_below(const std::string& path);
  void clear(OpenFolder& parent, const char* name, const std::string& entry, bool for_folder = false);
  void put_whiteout(const OpenFolder& parent, const char* name, const EntryPath& entry);
  void put_off_defaults(const EntryPath& path, Attributes* attributes);
  bool copy_from_lower(const EntryPath& target, const EntryPath& entry);
  void hide_root_children(const EntryPath& entry);

  UniqueFd root_;
  TreeRules rules_;
  // Default access lists of folders, which what is made in them would inherit (acl(5)): for the end.
  std::vector<std::pair<EntryPath, std::string>> defaults_;
  std::vector<std::unique_ptr<OpenFolder>> open_;
  // Folders that were made for whiteouts in them alone: the archive holds neither them nor anything in them.
  std::set<std::string> unheld_;
  uint64_t clock_ = 0;
  bool depends_ = false;
  bool hides_root_ = false;
};

}  // namespace tsrun::archive

#endif  // TSRUN_ARCHIVE_TREE_H_
