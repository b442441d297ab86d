// The intent record: the first thing that exists of a container, and the last that goes.
#include <linux/fs.h>

#include "steps/launcher_steps.h"

namespace tsrun {

Status run(LauncherContext& context, const StepRecordState& step) {
  Container& container = context.container;
  auto* name = static_cast<const char*>(memrchr(step.directory.data, '/', step.directory.size));
  if (name == nullptr || strlen(name + 1) >= kMaxName) return Status{SYS_renameat2, EINVAL};
  TSRUN_TRY(context.parents.make(context.home, step.temporary, 0700, &container.state));
  UniqueFd directory;
  TSRUN_TRY(take(sys::call<SYS_openat>(container.state.parent_fd, container.state.name, O_PATH | O_DIRECTORY | O_CLOEXEC),
                 &directory));
  UniqueFd file;
  TSRUN_TRY(take(sys::call<SYS_openat>(directory.get(), "state.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600),
                 &file));
  TSRUN_TRY(write_all(file.get(), step.content.data, step.content.size));
  // Whole or not at all, and only if no other container has the name. The temporary name tells whose it was.
  int parent = container.state.parent_fd;
  TSRUN_TRY(sys::call<SYS_renameat2>(parent, container.state.name, parent, name + 1, RENAME_NOREPLACE).status());
  memcpy(container.state.name, name + 1, strlen(name + 1) + 1);
  container.keep_record = step.keep;
  return kOk;
}

}  // namespace tsrun
