// cgroup v2: made and limited before the clone, so that the container is born inside its limits.
#include <stdlib.h>
#include <sys/epoll.h>

#include "launcher/cgroup_watch.h"
#include "steps/launcher_steps.h"

namespace tsrun {
namespace {

Status keep_reports(Container& container, Texts reports) {
  if (reports.count == 0) return kOk;
  Texts end = reports;
  while (end.count > 0) (void)end.next();
  auto size = static_cast<size_t>(end.at - reports.at);
  container.reports = static_cast<uint8_t*>(malloc(size));
  if (container.reports == nullptr) return Status{SYS_brk, ENOMEM};
  memcpy(container.reports, reports.at, size);
  container.report_count = reports.count;
  return kOk;
}

// Whoever made it may not have come that far yet. What cannot be written shows in the limits that then have no file.
void prepare_parent(const MadeFolder& folder, Texts files, Texts values) {
  while (files.count > 0) {
    Text file = files.next();
    Text value = values.next();
    (void)write_file_at(folder.parent_fd, file.data, value.data, value.size);
  }
}

}  // namespace

Status run(LauncherContext& context, const StepMakeCgroup& step) {
  Container& container = context.container;
  MadeFolder& folder = container.cgroup_folder;
  if (step.parent_files.count != step.parent_values.count) return Status{0, EBADMSG};
  bool is_new = false;
  TSRUN_TRY(context.parents.make_with_parent(context.home, step.path, 0755, &folder, &is_new));
  // From now on it is not empty, so that it stays.
  if (is_new) prepare_parent(folder, step.parent_files, step.parent_values);
  TSRUN_TRY(take(sys::call<SYS_openat>(folder.parent_fd, folder.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), &container.cgroup));
  TSRUN_TRY(keep_reports(container, step.reports));
  return context.slots.put(step.into, sys::call<SYS_fcntl>(container.cgroup.get(), F_DUPFD_CLOEXEC, 3));
}

Status run(LauncherContext& context, const StepWriteCgroup& step) {
  return write_file_at(context.slots.get(step.cgroup), step.file.data, step.value.data, step.value.size);
}

Status run(LauncherContext& context, const StepLimitDevices& step) {
  return context.device_programs.attach(step.program, context.slots.get(step.cgroup));
}

Status run(LauncherContext& context, const StepWatchCgroup& step) {
  return watch_cgroup_file(context.loop, context.container, context.slots.get(step.cgroup), step.file);
}

Status run(LauncherContext& context, const StepWatchPressure& step) {
  return watch_pressure(context.loop, context.container, context.slots.get(step.cgroup), step.file, step.trigger);
}

// It goes with the one above it, as those that a container makes itself do.
Status run(LauncherContext& context, const StepMakeCgroupFolder& step) {
  return sys::call<SYS_mkdirat>(context.slots.get(step.cgroup), step.name.data, 0755).status();
}

}  // namespace tsrun
