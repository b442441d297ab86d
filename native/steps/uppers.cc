// Where a container's writes go when they go to disk.
#include "launcher/uppers.h"

#include <sys/mount.h>

#include "launcher/requests.h"
#include "steps/launcher_steps.h"
#include "sys/file_system.h"

namespace tsrun {

Status run(LauncherContext& context, const StepMakeUpper& step) {
  Container& container = context.container;
  TSRUN_TRY(context.parents.make(context.home, step.path, 0700, &container.upper));
  UniqueFd folder;
  TSRUN_TRY(take(sys::call<SYS_openat>(container.upper.parent_fd, container.upper.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), &folder));
  if (step.limit_bytes > 0) {
    TSRUN_TRY(limit_project(folder.get(), step.project, step.limit_bytes));
    container.upper_project = step.project;
  }
  constexpr const char* kFolders[] = {"upper", "work"};
  for (const char* name : kFolders) {
    TSRUN_TRY(sys::call<SYS_mkdirat>(folder.get(), name, 0755).status());
    TSRUN_TRY(sys::call<SYS_fchownat>(folder.get(), name, step.uid, step.gid, AT_SYMLINK_NOFOLLOW).status());
  }
  UniqueFd mount;
  TSRUN_TRY(context.home.enter_source());
  TSRUN_TRY(clone_tree(container.upper.parent_fd, container.upper.name, 0, &mount));
  TSRUN_TRY(set_mount(mount.get(), MountAttributes{0, 0, MS_PRIVATE, 0}, false));
  return context.slots.put(step.into, static_cast<UniqueFd&&>(mount));
}

Status run(LauncherContext& context, const StepKeepUpper& step) {
  return take(sys::call<SYS_fcntl>(context.slots.get(step.scratch), F_DUPFD_CLOEXEC, 3), &context.container.kept_upper);
}

// A descriptor leads into a mount that is attached nowhere, on kernels too that make no second mount of it (before 6.15).
Status run(LauncherContext& context, const StepOpenUpper& step) {
  const Container* container = find_by_id(*context.container.launcher, step.id);
  if (container == nullptr) return Status{SYS_pidfd_open, ESRCH};
  if (!container->kept_upper.valid()) return Status{SYS_fcntl, ENOENT};
  return context.slots.put(step.into, sys::call<SYS_fcntl>(container->kept_upper.get(), F_DUPFD_CLOEXEC, 3));
}

}  // namespace tsrun
