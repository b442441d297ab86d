// Standard streams that the launcher makes.
#include <sys/vfs.h>

#include "launcher/output.h"
#include "steps/launcher_steps.h"

namespace tsrun {
namespace {

inline constexpr long kPipeMagic = 0x50495045;

}  // namespace

Status run(LauncherContext& context, const StepMakePipe& step) {
  int ends[2];
  TSRUN_TRY(sys::call<SYS_pipe2>(ends, O_CLOEXEC).status());
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  TSRUN_TRY(context.slots.put(step.reader, static_cast<UniqueFd&&>(reader)));
  return context.slots.put(step.writer, static_cast<UniqueFd&&>(writer));
}

// A pipe belongs to who made it, mode 0600: without this, /dev/stdout cannot be opened in a user namespace, or by any user
// but root. A named pipe is a file of the host's and no business of ours.
Status run(LauncherContext& context, const StepOwnPipe& step) {
  int fd = context.slots.get(step.descriptor);
  struct statfs system;
  TSRUN_TRY(sys::call<SYS_fstatfs>(fd, &system).status());
  if (system.f_type != kPipeMagic) return kOk;
  Status owned = sys::call<SYS_fchown>(fd, step.uid, static_cast<unsigned>(-1)).status();
  // Passed by a caller that got it from somebody else: the program still has the descriptor.
  return owned.error == EPERM ? kOk : owned;
}

Status run(LauncherContext& context, const StepHandOver& step) {
  Container& container = context.container;
  if (container.handed_over_count == kMaxHandedOver) return Status{SYS_sendmsg, EMFILE};
  container.handed_over[container.handed_over_count++] = context.slots.take(step.descriptor);
  return kOk;
}

Status run(LauncherContext& context, const StepKeepLog& step) {
  Container& container = context.container;
  UniqueFd forward(context.slots.take(step.forward));
  if (step.source != kNoSlot) {
    return keep_output(container, UniqueFd(context.slots.take(step.source)), step.stream, static_cast<UniqueFd&&>(forward),
                       step.max_bytes);
  }
  // The terminal is opened inside; its output is kept from when its master arrives.
  container.logs_terminal = true;
  container.terminal_log_bytes = step.max_bytes;
  container.terminal_forward = static_cast<UniqueFd&&>(forward);
  return kOk;
}

Status run(LauncherContext& context, const StepKeepInput& step) {
  return take(sys::call<SYS_fcntl>(context.slots.get(step.descriptor), F_DUPFD_CLOEXEC, 3), &context.container.input);
}

}  // namespace tsrun
