// Mounts that the launcher puts together itself: /dev and its nodes (a user namespace may not make device nodes), the
// overlay over the image's layers, and file systems from paths of the host, which the container does not see.
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "steps/launcher_steps.h"
#include "sys/file_system.h"
#include "sys/process.h"
#include "sys/without_resource.h"

namespace tsrun {
namespace {

// mount(2) takes a page of options; a layer's name is at most three digits, and the kernel takes 500 layers (OVL_MAX_STACK).
inline constexpr size_t kMaxOptions = 4096;
inline constexpr char kUpper[] = "upper";
inline constexpr char kOverlay[] = "overlay";
inline constexpr char kHostMount[] = "mount";

Status attach_as(int mount, const char* name) {
  TSRUN_TRY(sys::call<SYS_mkdirat>(AT_FDCWD, name, 0700).status());
  return attach_at_path(mount, name);
}

class OverlayOptions {
 public:
  void add(const char* text) {
    for (; *text != 0; ++text) {
      if (used_ + 1 < sizeof text_) text_[used_++] = *text;
      else overflow_ = true;
    }
    text_[used_] = 0;
  }
  bool overflow() const { return overflow_; }
  const char* text() const { return text_; }

 private:
  char text_[kMaxOptions] = "";
  size_t used_ = 0;
  bool overflow_ = false;
};

// A mount of several layers is attached once, by the name of its slot; a link for each layer keeps the options short.
Status place_layers(const StepMakeOverlay& step, const Slots& slots, OverlayOptions& options) {
  Texts folders = step.folders;
  for (uint32_t layer = 0; layer < step.layers.count; ++layer) {
    char target[kMaxOptions] = "mount";
    constexpr size_t kPrefix = sizeof "mount" - 1;
    Decimal slot(step.layers[layer]);
    size_t digits = strlen(slot.text());
    memcpy(target + kPrefix, slot.text(), digits + 1);
    Status attached = attach_as(slots.get(step.layers[layer]), target);
    if (!attached.ok() && attached.error != EEXIST) return attached;
    Text folder = folders.next();
    if (kPrefix + digits + 1 + folder.size + 1 > sizeof target) return Status{SYS_symlinkat, ENAMETOOLONG};
    target[kPrefix + digits] = '/';
    memcpy(target + kPrefix + digits + 1, folder.data, folder.size + 1);
    Decimal name(layer);
    TSRUN_TRY(sys::call<SYS_symlinkat>(target, AT_FDCWD, name.text()).status());
    if (layer > 0) options.add(":");
    options.add(name.text());
  }
  return kOk;
}

// Everything is attached below one tmpfs, which is then let go of with all of it: that waits for a grace period of the kernel.
Status make_overlay_of_names(const StepMakeOverlay& step, const Slots& slots, UniqueFd* overlay) {
  OverlayOptions options;
  options.add("lowerdir=");
  TSRUN_TRY(place_layers(step, slots, options));
  if (step.scratch != kNoSlot) {
    TSRUN_TRY(attach_as(slots.get(step.scratch), kUpper));
    options.add(",upperdir=upper/upper,workdir=upper/work");
  }
  if (step.user_xattr) options.add(",userxattr");
  if (options.overflow()) return Status{SYS_mount, E2BIG};
  TSRUN_TRY(sys::call<SYS_mkdirat>(AT_FDCWD, kOverlay, 0700).status());
  // Not fsconfig(2), whose values end at 255 bytes.
  TSRUN_TRY(sys::call<SYS_mount>("overlay", kOverlay, "overlay", 0, options.text()).status());
  TSRUN_TRY(clone_tree(AT_FDCWD, kOverlay, 0, overlay));
  return set_mount(overlay->get(), MountAttributes{step.attributes, 0, MS_PRIVATE, 0}, false);
}

// Of a detached tree overlayfs takes folders of its root mount alone (clone_private_mount): what is mounted below it is told of (EXDEV).
Status open_layer(int tree, const char* folder, UniqueFd* layer) {
  constexpr open_how kHow{O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
  return take(sys::call<SYS_openat2>(tree, folder, &kHow, sizeof kHow), layer);
}

Status add_layers(FileSystemContext& context, const StepMakeOverlay& step, const Slots& slots) {
  Texts folders = step.folders;
  for (uint32_t layer = 0; layer < step.layers.count; ++layer) {
    int mount = slots.get(step.layers[layer]);
    Text folder = folders.next();
    UniqueFd opened;
    if (!folder.empty()) TSRUN_TRY(open_layer(mount, folder.data, &opened));
    TSRUN_TRY(context.set_descriptor("lowerdir+", opened.valid() ? opened.get() : mount));
  }
  return kOk;
}

Status set_folder(FileSystemContext& context, const char* key, int scratch, const char* name) {
  UniqueFd folder;
  TSRUN_TRY(take(sys::call<SYS_openat>(scratch, name, O_PATH | O_DIRECTORY | O_CLOEXEC), &folder));
  return context.set_descriptor(key, folder.get());
}

// Without attaching anything: an attached layer must be let go again, and that waits for a grace period of the kernel.
Status make_overlay_of_descriptors(const StepMakeOverlay& step, const Slots& slots, UniqueFd* overlay) {
  FileSystemContext context;
  TSRUN_TRY(context.open("overlay"));
  TSRUN_TRY(context.set("source", "overlay"));
  TSRUN_TRY(add_layers(context, step, slots));
  if (step.scratch != kNoSlot) {
    TSRUN_TRY(set_folder(context, "upperdir", slots.get(step.scratch), "upper"));
    TSRUN_TRY(set_folder(context, "workdir", slots.get(step.scratch), "work"));
  }
  if (step.user_xattr) TSRUN_TRY(context.set_flag("userxattr"));
  return context.mount(step.attributes, overlay);
}

// Not at a folder of the host, but in one that is made for it over the root; absolute paths lead where they led before.
Status mount_in_copy(const StepMakeHostMount& step, UniqueFd* mount) {
  UniqueFd place;
  TSRUN_TRY(make_file_system("tmpfs", "", Texts{}, 0, &place));
  TSRUN_TRY(attach_at_path(place.get(), "/"));
  TSRUN_TRY(sys::call<SYS_fchdir>(place.get()).status());
  TSRUN_TRY(sys::call<SYS_mkdirat>(AT_FDCWD, kHostMount, 0700).status());
  // Not fsconfig(2), whose values end at 255 bytes, and which takes no comma in them for file systems that have not its way of reading
  // them yet (overlayfs before Linux 6.5).
  TSRUN_TRY(sys::call<SYS_mount>(step.source.data, kHostMount, step.type.data, step.flags, step.data.data).status());
  TSRUN_TRY(clone_tree(AT_FDCWD, kHostMount, 0, mount));
  // mount(2) has chosen relatime, of which only the whole can be changed (mount_setattr(2)).
  return set_mount(mount->get(), MountAttributes{step.attributes, MOUNT_ATTR__ATIME, MS_PRIVATE, 0}, false);
}

}  // namespace

Status run(LauncherContext& context, const StepMakeTmpfs& step) {
  UniqueFd mount;
  TSRUN_TRY(make_file_system("tmpfs", "tmpfs", step.options, step.attributes, &mount));
  return context.slots.put(step.into, static_cast<UniqueFd&&>(mount));
}

Status run(LauncherContext& context, const StepMakeHostMount& step) {
  // What is longer mount(2) cuts off.
  if (step.data.size >= kMaxOptions) return Status{SYS_mount, E2BIG};
  WithoutResource without(true);
  UniqueFd mount;
  Status status = context.home.enter_copy_of_source();
  if (status.ok()) status = mount_in_copy(step, &mount);
  TSRUN_TRY(context.home.return_home());
  TSRUN_TRY(status);
  return context.slots.put(step.into, static_cast<UniqueFd&&>(mount));
}

Status run(LauncherContext& context, const StepMakeNode& step) {
  int mount = context.slots.get(step.mount);
  TSRUN_TRY(sys::call<SYS_mknodat>(mount, step.name.data, step.mode, makedev(step.major, step.minor)).status());
  return sys::call<SYS_fchownat>(mount, step.name.data, step.uid, step.gid, AT_SYMLINK_NOFOLLOW).status();
}

Status run(LauncherContext& context, const StepMakeLink& step) {
  return sys::call<SYS_symlinkat>(step.target.data, context.slots.get(step.mount), step.name.data).status();
}

Status run(LauncherContext& context, const StepMakeFolder& step) {
  int mount = context.slots.get(step.mount);
  TSRUN_TRY(sys::call<SYS_mkdirat>(mount, step.name.data, step.mode).status());
  TSRUN_TRY(sys::call<SYS_fchownat>(mount, step.name.data, step.uid, step.gid, AT_SYMLINK_NOFOLLOW).status());
  if (step.mark.empty()) return kOk;
  UniqueFd folder;
  TSRUN_TRY(take(sys::call<SYS_openat>(mount, step.name.data, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), &folder));
  return sys::call<SYS_fsetxattr>(folder.get(), step.mark.data, "y", 1, 0).status();
}

// Before Linux 6.15 overlayfs takes no detached layer, so the layers are attached at home while it is made; it keeps them.
Status run(LauncherContext& context, const StepMakeOverlay& step) {
  if (step.folders.count != step.layers.count) return Status{SYS_mount, EBADMSG};
  WithoutResource without(step.drop_resource);
  UniqueFd overlay;
  if (step.by_descriptor) {
    TSRUN_TRY(make_overlay_of_descriptors(step, context.slots, &overlay));
    return context.slots.put(step.into, static_cast<UniqueFd&&>(overlay));
  }
  UniqueFd place;
  TSRUN_TRY(context.home.return_home());
  TSRUN_TRY(make_file_system("tmpfs", "", Texts{}, 0, &place));
  TSRUN_TRY(attach_at_path(place.get(), kScratch));
  Status status = sys::call<SYS_fchdir>(place.get()).status();
  if (status.ok()) status = make_overlay_of_names(step, context.slots, &overlay);
  (void)sys::call<SYS_chdir>("/");
  (void)sys::call<SYS_umount2>(kScratch, MNT_DETACH | UMOUNT_NOFOLLOW);
  TSRUN_TRY(status);
  return context.slots.put(step.into, static_cast<UniqueFd&&>(overlay));
}

Status run(LauncherContext& context, const StepKeepMount& step) {
  return take(sys::call<SYS_fcntl>(context.slots.get(step.mount), F_DUPFD_CLOEXEC, 3), &context.container.kept_mount);
}

}  // namespace tsrun
