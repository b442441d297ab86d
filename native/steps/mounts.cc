// Mounts inside the container's root. Targets are descriptors, so nothing can be swapped between check and mount
// (CVE-2021-30465).
#include <sys/mount.h>
#include <sys/stat.h>

#include "launcher/home.h"
#include "steps/child_steps.h"
#include "steps/copy_up.h"
#include "steps/root_path.h"
#include "sys/file_system.h"
#include "sys/process.h"

namespace tsrun {
namespace {

Links links(bool follow) { return follow ? Links::kFollowInImage : Links::kRefuse; }

Status kind_of(int fd, TargetKind* kind) {
  struct stat info;
  TSRUN_TRY(sys::call<SYS_newfstatat>(fd, "", &info, AT_EMPTY_PATH).status());
  *kind = S_ISDIR(info.st_mode) ? TargetKind::kDirectory : TargetKind::kFile;
  return kOk;
}

constexpr uint64_t kCoverAttributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

Status make_file(int folder, const char* name, uint32_t mode, Text content) {
  UniqueFd file;
  TSRUN_TRY(take(sys::call<SYS_openat>(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode), &file));
  return write_all(file.get(), content.data, content.size);
}

// What is not there needs no mask.
bool is_absent(Status status) { return status.error == ENOENT || status.error == ENOTDIR; }

// A path of the image may lead nowhere, in a circle, or into what is mounted in it.
bool leads_nowhere(Status status) { return is_absent(status) || status.error == ELOOP || status.error == EXDEV; }

Status is_same_file(int one, int other, bool* same) {
  struct stat first;
  struct stat second;
  TSRUN_TRY(sys::call<SYS_newfstatat>(one, "", &first, AT_EMPTY_PATH).status());
  TSRUN_TRY(sys::call<SYS_newfstatat>(other, "", &second, AT_EMPTY_PATH).status());
  *same = first.st_dev == second.st_dev && first.st_ino == second.st_ino;
  return kOk;
}

// Nothing, or the same device (config-linux.md, "Devices").
Status check_place(int root, Text path, int node) {
  UniqueFd present;
  struct stat there;
  struct stat asked;
  Status opened = open_in_root(root, path.data, O_PATH, Links::kFollowInImage, &present);
  if (!opened.ok()) return is_absent(opened) ? kOk : opened;
  TSRUN_TRY(sys::call<SYS_newfstatat>(present.get(), "", &there, AT_EMPTY_PATH).status());
  TSRUN_TRY(sys::call<SYS_newfstatat>(node, "", &asked, AT_EMPTY_PATH).status());
  bool same = (there.st_mode & S_IFMT) == (asked.st_mode & S_IFMT) && there.st_rdev == asked.st_rdev;
  return same ? kOk : Status{SYS_mknodat, EEXIST};
}

// Of a descriptor of this process, from the root of a procfs.
struct DescriptorPath {
  explicit DescriptorPath(int descriptor) {
    Decimal number(static_cast<uint64_t>(descriptor));
    memcpy(text + sizeof kFolder - 1, number.text(), number.size() + 1);
  }
  static constexpr char kFolder[] = "self/fd/";
  char text[sizeof kFolder + 20] = "self/fd/";
};

Status clone_of(int target, bool recursive, UniqueFd* mount) {
  return clone_tree(target, "", AT_EMPTY_PATH | (recursive ? unsigned{AT_RECURSIVE} : 0U), mount);
}

}  // namespace

Status run(ChildContext& context, const StepMakeMount& step) {
  UniqueFd target;
  UniqueFd mount;
  TSRUN_TRY(open_target(context.root.get(), step.target, TargetKind::kDirectory, links(step.follow), &target));
  // What is to be read only is so once the copy is there.
  uint64_t late = step.copy_up ? step.attributes & MOUNT_ATTR_RDONLY : 0;
  TSRUN_TRY(make_file_system(step.type.data, step.source.data, step.options, step.attributes & ~late, &mount));
  if (step.copy_up) TSRUN_TRY(copy_folder(target.get(), mount.get()));
  if (step.like_below) TSRUN_TRY(copy_owner_and_mode(target.get(), mount.get()));
  if (late != 0) TSRUN_TRY(set_mount(mount.get(), MountAttributes{late, 0, 0, 0}, false));
  return attach_at(mount.get(), target.get());
}

Status run(ChildContext& context, const StepAttachNodes& step) {
  int folder = context.slots.get(step.mount);
  // With the old root they go; the nodes stay.
  TSRUN_TRY(attach_at_path(folder, kScratch));
  uint32_t number = 0;
  for (Texts targets = step.targets; targets.count > 0; ++number) {
    Decimal name(number);
    Text path = targets.next();
    UniqueFd node;
    UniqueFd target;
    TSRUN_TRY(clone_tree(folder, name.text(), 0, &node));
    TSRUN_TRY(check_place(context.root.get(), path, node.get()));
    TSRUN_TRY(open_target(context.root.get(), path, TargetKind::kFile, Links::kFollowInImage, &target));
    TSRUN_TRY(attach_at(node.get(), target.get()));
  }
  return kOk;
}

Status run(ChildContext& context, const StepPlaceLink& step) {
  UniqueFd parent;
  const char* name;
  char present[4096];
  TSRUN_TRY(make_parents(context.root.get(), step.target));
  TSRUN_TRY(open_parent(context.root.get(), step.target, &parent, &name));
  Status made = sys::call<SYS_symlinkat>(step.text.data, parent.get(), name).status();
  if (made.error != EEXIST) return made;
  sys::Outcome read = sys::call<SYS_readlinkat>(parent.get(), name, present, sizeof present);
  bool same = read.ok() && static_cast<size_t>(read.value) == step.text.size && memcmp(present, step.text.data, step.text.size) == 0;
  return same ? kOk : made;
}

// From Linux 6.8 on the table of mounts is in the order in which they were made, whenever they were attached; a clone is made now. The
// former goes with the old root, and is private, so that none of its peers hears of that.
Status run(ChildContext& context, const StepRenewMount& step) {
  UniqueFd former(context.slots.take(step.mount));
  TargetKind kind = TargetKind::kDirectory;
  UniqueFd renewed;
  TSRUN_TRY(kind_of(former.get(), &kind));
  TSRUN_TRY(attach_at_path(former.get(), kind == TargetKind::kDirectory ? kScratch : kScratchFile));
  TSRUN_TRY(clone_of(former.get(), true, &renewed));
  TSRUN_TRY(set_mount(former.get(), MountAttributes{0, 0, MS_PRIVATE, 0}, true));
  return context.slots.put(step.mount, static_cast<UniqueFd&&>(renewed));
}

Status run(ChildContext& context, const StepAttachMount& step) {
  int mount = context.slots.get(step.mount);
  TargetKind kind = TargetKind::kDirectory;
  UniqueFd target;
  TSRUN_TRY(kind_of(mount, &kind));
  TSRUN_TRY(open_target(context.root.get(), step.target, kind, step.on_link ? Links::kTakeLast : links(step.follow), &target));
  return attach_at(mount, target.get());
}

// By the mount's own descriptor, whatever the path has become since. No link, of the image or somebody who lives in it, says which one goes:
// it could be a mask. The kernel takes a path alone; that of a descriptor is one (proc_pid_fd(5)).
Status run(ChildContext& context, const StepDetachMount& step) {
  UniqueFd target;
  TSRUN_TRY(open_in_root(context.root.get(), step.target.data, O_PATH, Links::kRefuse, &target));
  TSRUN_TRY(sys::call<SYS_fchdir>(context.proc).status());
  return sys::call<SYS_umount2>(DescriptorPath(target.get()).text, MNT_DETACH).status();
}

Status run(ChildContext& context, const StepSetPropagation& step) {
  UniqueFd target;
  TSRUN_TRY(open_in_root(context.root.get(), step.target.data, O_PATH, Links::kFollowInside, &target));
  return set_mount(target.get(), MountAttributes{0, 0, step.propagation, 0}, step.recursive);
}

Status run(ChildContext& context, const StepRemount& step) {
  UniqueFd target;
  TSRUN_TRY(open_in_root(context.root.get(), step.target.data, O_PATH, Links::kFollowInside, &target));
  return set_mount(target.get(), MountAttributes{step.set, step.clear, 0, 0}, false);
}

// The cover is ours, from home; it never comes from the image (CVE-2025-31133).
Status run(ChildContext& context, const StepMaskPath& step) {
  UniqueFd target;
  Status opened = open_in_root(context.root.get(), step.target.data, O_PATH, Links::kFollowInside, &target);
  if (is_absent(opened)) return kOk;
  TSRUN_TRY(opened);
  TargetKind kind = TargetKind::kDirectory;
  UniqueFd cover;
  TSRUN_TRY(kind_of(target.get(), &kind));
  TSRUN_TRY(clone_tree(AT_FDCWD, kind == TargetKind::kDirectory ? kMaskDirectory : kMaskFile, 0, &cover));
  return attach_at(cover.get(), target.get());
}

Status run(ChildContext& context, const StepReadonlyPath& step) {
  UniqueFd target;
  Status opened = open_in_root(context.root.get(), step.target.data, O_PATH, Links::kFollowInside, &target);
  if (is_absent(opened)) return kOk;
  TSRUN_TRY(opened);
  UniqueFd mount;
  TSRUN_TRY(clone_of(target.get(), true, &mount));
  TSRUN_TRY(set_mount(mount.get(), MountAttributes{MOUNT_ATTR_RDONLY, 0, 0, 0}, true));
  return attach_at(mount.get(), target.get());
}

// A link of the image that leads to its root may not undo that the root is read-only. What is mounted below comes along: it would
// be covered.
Status run(ChildContext& context, const StepKeepWritable& step) {
  UniqueFd target;
  Status opened = open_in_root(context.root.get(), step.target.data, O_PATH, Links::kFollowInImage, &target);
  if (leads_nowhere(opened)) return kOk;
  TSRUN_TRY(opened);
  bool is_root = false;
  TSRUN_TRY(is_same_file(target.get(), context.root.get(), &is_root));
  if (is_root) return kOk;
  UniqueFd mount;
  TSRUN_TRY(clone_of(target.get(), true, &mount));
  return attach_at(mount.get(), target.get());
}

// The tmpfs is attached below the old root, with which it goes; the covers stay. A tree that is attached nowhere could not be
// cloned before Linux 6.15 (open_tree(2)).
Status run(ChildContext& context, const StepCoverFiles& step) {
  if (step.paths.count != step.contents.count) return Status{0, EBADMSG};
  UniqueFd folder;
  TSRUN_TRY(make_file_system("tmpfs", "tmpfs", step.options, kCoverAttributes, &folder));
  TSRUN_TRY(attach_at_path(folder.get(), kScratch));
  Texts contents = step.contents;
  for (Texts paths = step.paths; paths.count > 0;) {
    Decimal name(paths.count);
    UniqueFd target;
    UniqueFd cover;
    TSRUN_TRY(make_file(folder.get(), name.text(), step.mode, contents.next()));
    TSRUN_TRY(clone_tree(folder.get(), name.text(), 0, &cover));
    TSRUN_TRY(open_target(context.root.get(), paths.next(), TargetKind::kFile, Links::kFollowInImage, &target));
    TSRUN_TRY(attach_at(cover.get(), target.get()));
  }
  return kOk;
}

}  // namespace tsrun
