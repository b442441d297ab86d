// Where a container's writes go when they go to disk.
#include "launcher/uppers.h"

#include <sys/mount.h>

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

}  // namespace tsrun
