// The container's root: attached, filled in, and made the only one.
#include <sys/mount.h>

#include "launcher/home.h"
#include "steps/child_steps.h"
#include "steps/root_path.h"
#include "sys/file_system.h"

namespace tsrun {

Status run(ChildContext& context, const StepAttachRoot& step) {
  int mount = context.slots.take(step.mount);
  context.root.reset(mount);
  return attach_at_path(mount, kAttachPoint);
}

// The last close of a mount that is attached nowhere waits for a grace period of the kernel; letting go of the old root
// waits for one anyway, whatever is below it.
Status run(ChildContext& context, const StepStowMount& step) {
  return attach_at_path(context.slots.get(step.mount), kScratch);
}

Status run(ChildContext& context, const StepEnterRoot&) {
  return take(sys::call<SYS_openat>(AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC), &context.root);
}

// pivot_root(2) with one folder for both roots stacks the old one on the new, from where it is let go: no folder for
// it is needed, and no path of the old root stays reachable.
Status run(ChildContext& context, const StepPivotRoot&) {
  TSRUN_TRY(sys::call<SYS_fchdir>(context.root.get()).status());
  TSRUN_TRY(sys::call<SYS_pivot_root>(".", ".").status());
  TSRUN_TRY(sys::call<SYS_umount2>(".", MNT_DETACH).status());
  return sys::call<SYS_chdir>("/").status();
}

namespace {

// As somebody in the container would come to it; it is made where a link of the image leads.
Status open_or_make_directory(int root, Text path, UniqueFd* into) {
  Status opened = open_in_root(root, path.data, O_PATH | O_DIRECTORY, Links::kFollowInside, into);
  return opened.error == ENOENT ? open_target(root, path, TargetKind::kDirectory, Links::kFollowInImage, into) : opened;
}

Status change_root(int root) {
  TSRUN_TRY(sys::call<SYS_fchdir>(root).status());
  return sys::call<SYS_chroot>(".").status();
}

}  // namespace

// The last close of a copy that is attached nowhere parts it from nothing that is mounted in it (UMOUNT_CONNECTED, fs/namespace.c): it
// stays whole for as long as it is somebody's root, and needs no unmounting then.
Status run(ChildContext& context, const StepTakeRootAlong& step) {
  UniqueFd root;
  TSRUN_TRY(clone_tree(AT_FDCWD, "/", AT_RECURSIVE, &root));
  TSRUN_TRY(sys::call<SYS_setns>(context.slots.get(step.mounts), CLONE_NEWNS).status());
  return change_root(root.get());
}

Status run(ChildContext& context, const StepChangeRoot& step) { return change_root(context.slots.get(step.root)); }

Status run(ChildContext& context, const StepMakeDirectory& step) {
  UniqueFd directory;
  return open_or_make_directory(context.root.get(), step.path, &directory);
}

Status run(ChildContext& context, const StepWriteFile& step) {
  UniqueFd parent;
  UniqueFd file;
  const char* name;
  Status opened = open_parent(context.root.get(), step.path, &parent, &name);
  if (opened.error == ENOENT) {
    TSRUN_TRY(make_parents(context.root.get(), step.path));
    opened = open_parent(context.root.get(), step.path, &parent, &name);
  }
  TSRUN_TRY(opened);
  sys::Outcome removed = sys::call<SYS_unlinkat>(parent.get(), name, 0);
  if (!removed.ok() && removed.error() != ENOENT) return removed.status();
  TSRUN_TRY(take(sys::call<SYS_openat>(parent.get(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, step.mode),
                 &file));
  return write_all(file.get(), step.content.data, step.content.size);
}

// By descriptor, so that a working directory such as /proc/self/fd/7 cannot lead outside (CVE-2024-21626).
Status run(ChildContext& context, const StepSetDirectory& step) {
  UniqueFd directory;
  int root = context.root.get();
  TSRUN_TRY(step.create ? open_or_make_directory(root, step.path, &directory)
                        : open_in_root(root, step.path.data, O_PATH | O_DIRECTORY, Links::kFollowInside, &directory));
  return sys::call<SYS_fchdir>(directory.get()).status();
}

}  // namespace tsrun
