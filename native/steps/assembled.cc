// Mounts that the launcher puts together itself: /dev and its nodes (a user namespace may not make device nodes), and
// the overlay over the image's layers.
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "steps/launcher_steps.h"
#include "sys/file_system.h"
#include "sys/process.h"

namespace tsrun {
namespace {

// Overlay options end at 255 bytes (fsconfig), so layers go by short names relative to the scratch folder.
inline constexpr uint32_t kMaxLayers = 60;
inline constexpr char kUpper[] = "u";

Status attach_in_scratch(int mount, const char* name) {
  sys::Outcome made = sys::call<SYS_mkdirat>(AT_FDCWD, name, 0700);
  if (!made.ok() && made.error() != EEXIST) return made.status();
  return attach_at_path(mount, name);
}

class LayerNames {
 public:
  void add(const char* name) {
    if (used_ > 0) names_[used_++] = ':';
    while (*name != 0) names_[used_++] = *name++;
    names_[used_] = 0;
  }
  const char* text() const { return names_; }

 private:
  char names_[256] = "";
  size_t used_ = 0;
};

Status make_overlay(const StepMakeOverlay& step, const char* lower, UniqueFd* overlay) {
  FileSystemContext context;
  TSRUN_TRY(context.open("overlay"));
  TSRUN_TRY(context.set("source", "overlay"));
  TSRUN_TRY(context.set("lowerdir", lower));
  TSRUN_TRY(context.set("upperdir", "u/upper"));
  TSRUN_TRY(context.set("workdir", "u/work"));
  if (step.user_xattr) TSRUN_TRY(context.set_flag("userxattr"));
  return context.mount(step.attributes, overlay);
}

// Without attaching anything: an attached layer must be let go again, and that waits for a grace period of the kernel.
Status make_overlay_of_descriptors(const StepMakeOverlay& step, const Slots& slots, UniqueFd* overlay) {
  FileSystemContext context;
  UniqueFd upper;
  UniqueFd work;
  int scratch = slots.get(step.scratch);
  TSRUN_TRY(take(sys::call<SYS_openat>(scratch, "upper", O_PATH | O_DIRECTORY | O_CLOEXEC), &upper));
  TSRUN_TRY(take(sys::call<SYS_openat>(scratch, "work", O_PATH | O_DIRECTORY | O_CLOEXEC), &work));
  TSRUN_TRY(context.open("overlay"));
  TSRUN_TRY(context.set("source", "overlay"));
  for (uint32_t layer = 0; layer < step.layers.count; ++layer) {
    TSRUN_TRY(context.set_descriptor("lowerdir+", slots.get(step.layers[layer])));
  }
  TSRUN_TRY(context.set_descriptor("upperdir", upper.get()));
  TSRUN_TRY(context.set_descriptor("workdir", work.get()));
  if (step.user_xattr) TSRUN_TRY(context.set_flag("userxattr"));
  return context.mount(step.attributes, overlay);
}

}  // namespace

Status run(LauncherContext& context, const StepMakeTmpfs& step) {
  UniqueFd mount;
  TSRUN_TRY(make_file_system("tmpfs", "tmpfs", step.options, step.attributes, &mount));
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
  return sys::call<SYS_fchownat>(mount, step.name.data, step.uid, step.gid, AT_SYMLINK_NOFOLLOW).status();
}

// Before Linux 6.15 overlayfs takes no detached layer, so the layers are attached here while it is made; it keeps them.
Status run(LauncherContext& context, const StepMakeOverlay& step) {
  UniqueFd overlay;
  if (step.by_descriptor) {
    TSRUN_TRY(make_overlay_of_descriptors(step, context.slots, &overlay));
    return context.slots.put(step.into, static_cast<UniqueFd&&>(overlay));
  }
  TSRUN_TRY(context.home.return_home());
  TSRUN_TRY(sys::call<SYS_chdir>(kScratch).status());
  if (step.layers.count > kMaxLayers) return Status{SYS_fsconfig, E2BIG};
  LayerNames lower;
  uint32_t attached = 0;
  Status status = kOk;
  for (; attached < step.layers.count && status.ok(); ++attached) {
    Decimal name(attached);
    lower.add(name.text());
    status = attach_in_scratch(context.slots.get(step.layers[attached]), name.text());
    if (!status.ok()) break;
  }
  bool upper_attached = false;
  if (status.ok()) {
    status = attach_in_scratch(context.slots.get(step.scratch), kUpper);
    upper_attached = status.ok();
  }
  if (status.ok()) status = make_overlay(step, lower.text(), &overlay);
  if (upper_attached) (void)sys::call<SYS_umount2>(kUpper, MNT_DETACH | UMOUNT_NOFOLLOW);
  while (attached > 0) (void)sys::call<SYS_umount2>(Decimal(--attached).text(), MNT_DETACH | UMOUNT_NOFOLLOW);
  TSRUN_TRY(status);
  return context.slots.put(step.into, static_cast<UniqueFd&&>(overlay));
}

}  // namespace tsrun
