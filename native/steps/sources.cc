// Host objects, opened in the source namespace and carried as descriptors: no path of the host is looked up later.
#include <linux/nsfs.h>
#include <linux/openat2.h>
#include <sys/mount.h>

#include "launcher/requests.h"
#include "steps/launcher_steps.h"
#include "sys/file_system.h"
#include "sys/process.h"

namespace tsrun {

Status run(LauncherContext& context, const StepOpenTree& step) {
  TSRUN_TRY(context.home.enter_source());
  UniqueFd mount;
  TSRUN_TRY(clone_tree(AT_FDCWD, step.path.data, (step.recursive ? AT_RECURSIVE : 0U) | (step.follow ? 0U : AT_SYMLINK_NOFOLLOW), &mount));
  return context.slots.put(step.into, static_cast<UniqueFd&&>(mount));
}

Status run(LauncherContext& context, const StepSetMount& step) {
  MountAttributes attributes{step.set, step.clear, step.propagation, 0};
  if (step.id_map != kNoSlot) {
    attributes.set |= kMountIdMap;
    attributes.user_namespace = static_cast<uint64_t>(context.slots.get(step.id_map));
  }
  return set_mount(context.slots.get(step.mount), attributes, step.recursive);
}

Status run(LauncherContext& context, const StepJoinPeers& step) {
  constexpr unsigned kFlags = MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH;
  return sys::call<SYS_move_mount>(context.slots.get(step.peer), "", context.slots.get(step.mount), "", kFlags).status();
}

Status run(LauncherContext& context, const StepMakeIdMap& step) {
  TSRUN_TRY(context.home.return_home());
  UniqueFd map;
  TSRUN_TRY(context.id_maps.open(step.uid_map, step.gid_map, &map));
  return context.slots.put(step.into, static_cast<UniqueFd&&>(map));
}

Status run(LauncherContext& context, const StepOpenNamespace& step) {
  TSRUN_TRY(context.home.enter_source());
  UniqueFd file;
  TSRUN_TRY(take(sys::call<SYS_openat>(AT_FDCWD, step.path.data, O_RDONLY | O_CLOEXEC | O_NONBLOCK), &file));
  // Anything but a namespace of this kind would be joined as something else, or not at all.
  sys::Outcome kind = sys::call<SYS_ioctl>(file.get(), NS_GET_NSTYPE, 0);
  if (!kind.ok()) return kind.status();
  if (static_cast<uint32_t>(kind.value) != step.kind) return Status{SYS_ioctl, EINVAL};
  return context.slots.put(step.into, static_cast<UniqueFd&&>(file));
}

// By the launcher's own descriptors, so that no reused pid can be hit.
Status run(LauncherContext& context, const StepOpenContainer& step) {
  const Container* container = find_by_id(*context.container.launcher, step.id);
  if (container == nullptr) return Status{SYS_pidfd_open, ESRCH};
  TSRUN_TRY(context.slots.put(step.process, sys::call<SYS_fcntl>(container->pidfd.get(), F_DUPFD_CLOEXEC, 3)));
  if (!container->cgroup.valid()) return kOk;
  return context.slots.put(step.cgroup, sys::call<SYS_fcntl>(container->cgroup.get(), F_DUPFD_CLOEXEC, 3));
}

// A mount is cloned in its own mount namespace alone (open_tree(2)); nothing of what is there is executed or looked up.
Status run(LauncherContext& context, const StepOpenRoot& step) {
  const Container* container = find_by_id(*context.container.launcher, step.id);
  if (container == nullptr) return Status{SYS_pidfd_open, ESRCH};
  TSRUN_TRY(context.home.return_home());
  TSRUN_TRY(sys::call<SYS_setns>(container->pidfd.get(), CLONE_NEWNS).status());
  UniqueFd mount;
  Status cloned = clone_tree(AT_FDCWD, "/", 0, &mount);
  context.container.launcher->own.return_to(CLONE_NEWNS);
  TSRUN_TRY(cloned);
  return context.slots.put(step.into, static_cast<UniqueFd&&>(mount));
}

Status run(LauncherContext& context, const StepFindInTree& step) {
  constexpr open_how kHow{O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_IN_ROOT};
  return context.slots.put(step.into, sys::call<SYS_openat2>(context.slots.get(step.mount), step.path.data, &kHow, sizeof kHow));
}

Status run(LauncherContext& context, const StepMountOnHost& step) {
  constexpr open_how kHow{O_PATH | O_DIRECTORY | O_CLOEXEC, 0, RESOLVE_NO_SYMLINKS};
  TSRUN_TRY(context.home.enter_source());
  UniqueFd target;
  TSRUN_TRY(take(sys::call<SYS_openat2>(AT_FDCWD, step.target.data, &kHow, sizeof kHow), &target));
  return attach_at(context.slots.get(step.mount), target.get());
}

// The descriptor is opened first, so that what is compared afterwards is of the process that it stands for, or of none.
Status run(LauncherContext& context, const StepOpenProcess& step) {
  TSRUN_TRY(context.home.return_home());
  UniqueFd process;
  TSRUN_TRY(take(sys::call<SYS_pidfd_open>(step.pid, 0), &process));
  uint64_t ticks;
  if (!start_ticks(static_cast<int>(step.pid), &ticks) || ticks != step.start_ticks) return Status{SYS_pidfd_open, ESRCH};
  TSRUN_TRY(send_signal(process.get(), 0));
  return context.slots.put(step.process, static_cast<UniqueFd&&>(process));
}

// Its pid may be another's by now: what was opened counts only if the process still lives.
Status run(LauncherContext& context, const StepOpenRootOf& step) {
  TSRUN_TRY(context.home.return_home());
  UniqueFd root;
  TSRUN_TRY(take(sys::call<SYS_openat>(AT_FDCWD, ProcPath(static_cast<int>(step.pid), "root").path(), O_PATH | O_DIRECTORY | O_CLOEXEC), &root));
  TSRUN_TRY(send_signal(context.slots.get(step.process), 0));
  return context.slots.put(step.into, static_cast<UniqueFd&&>(root));
}

Status run(LauncherContext& context, const StepOpenCgroup& step) {
  TSRUN_TRY(context.home.enter_source());
  return context.slots.put(step.into, sys::call<SYS_openat>(AT_FDCWD, step.path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

// With both ends in one descriptor opening waits for nobody, and reading waits for what somebody else writes (fifo(7)).
Status run(LauncherContext& context, const StepOpenFifo& step) {
  TSRUN_TRY(context.home.enter_source());
  UniqueFd both;
  TSRUN_TRY(take(sys::call<SYS_openat>(AT_FDCWD, step.path.data, O_RDWR | O_CLOEXEC | O_NOFOLLOW), &both));
  if (!step.writer) return context.slots.put(step.into, static_cast<UniqueFd&&>(both));
  // Who reads hears of the end as well, once nobody else could write.
  return context.slots.put(step.into, sys::call<SYS_openat>(AT_FDCWD, step.path.data, O_WRONLY | O_CLOEXEC | O_NOFOLLOW));
}

}  // namespace tsrun
