#include "launcher/entry.h"

#include <sys/mman.h>
#include <sys/wait.h>

#include "launcher/channel.h"
#include "launcher/requests.h"
#include "steps/launcher_steps.h"
#include "sys/process.h"

namespace tsrun {
namespace {

// Noted by the clone itself, so that it is there even if who bore it was killed right after: an unreaped child of the launcher
// would hold up the end of the container's pid 1 for ever (zap_pid_ns_processes).
constexpr size_t kRegisterSize = 4096;

int noted_pid(int file) {
  int pid = 0;
  sys::Outcome read = sys::call<SYS_pread64>(file, &pid, sizeof pid, 0L);
  return read.value == sizeof pid ? pid : 0;
}

}  // namespace

Status run(LauncherContext& context, const StepMakeEntry& step) {
  Container& container = context.container;
  UniqueFd theirs;
  TSRUN_TRY(take(sys::call<SYS_memfd_create>("tsrun-entry", MFD_CLOEXEC), &container.entry_births));
  TSRUN_TRY(sys::call<SYS_ftruncate>(container.entry_births.get(), kRegisterSize).status());
  TSRUN_TRY(context.slots.put(step.births, sys::call<SYS_fcntl>(container.entry_births.get(), F_DUPFD_CLOEXEC, 3)));
  TSRUN_TRY(make_channel(&container.entry_channel, &theirs));
  return context.slots.put(step.report, static_cast<UniqueFd&&>(theirs));
}

bool follow_entry(Container& container) {
  int pid = noted_pid(container.entry_births.get());
  container.entry_births.reset();
  container.channel = static_cast<UniqueFd&&>(container.entry_channel);
  if (pid == 0) return false;
  container.pid = pid;
  container.pidfd.reset();
  // It is not reaped yet, so its pid is no other's.
  Status followed = take(sys::call<SYS_pidfd_open>(pid, 0), &container.pidfd);
  if (followed.ok()) followed = watch_container(container);
  if (!followed.ok()) {
    siginfo_t info;
    (void)sys::call<SYS_kill>(pid, SIGKILL);
    (void)sys::call<SYS_waitid>(P_PID, pid, &info, kWaitExited | kWaitForAnyClone, 0);
    container.failure = followed;
    return false;
  }
  if (container.killed || !container.failure.ok()) kill_container(container);
  return true;
}

}  // namespace tsrun
