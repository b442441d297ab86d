#include "launcher/birth.h"

#include "launcher/channel.h"
#include "launcher/launcher.h"
#include "sys/process.h"

namespace tsrun {
namespace {

// Enters what the child is to be born into. Namespaces are joined before the child has a user namespace of its own: with
// one it would have no right to join what the host owns.
Status enter_birth_place(const StepClone& step, const Slots& slots, uint64_t* entered) {
  if (step.joins.count != step.join_kinds.count) return Status{0, EBADMSG};
  for (uint32_t index = 0; index < step.joins.count; ++index) {
    uint32_t kind = step.join_kinds[index];
    TSRUN_TRY(sys::call<SYS_setns>(slots.get(step.joins[index]), kind).status());
    *entered |= kind;
  }
  if (step.time_offsets.empty()) return kOk;
  // Offsets can be written only while no process is in the new time namespace (time_namespaces(7)).
  TSRUN_TRY(sys::call<SYS_unshare>(CLONE_NEWTIME).status());
  *entered |= CLONE_NEWTIME;
  return write_file_at(AT_FDCWD, "/proc/self/timens_offsets", step.time_offsets.data, step.time_offsets.size);
}

Status clone_here(const StepClone& step, const Slots& slots, const Newborn& newborn, Birth* birth) {
  int pid_fd = -1;
  sys::Outcome pid = clone_process(step.flags, slots.get(step.cgroup), &pid_fd);
  if (!pid.ok()) return pid.status();
  if (pid.value == 0) newborn.live(newborn.argument);
  birth->pid = pid.fd();
  birth->pidfd.reset(pid_fd);
  return kOk;
}

// ---- with a midwife ------------------------------------------------------------------------------------------------
// Some places cannot be left again (a user namespace), so a process in between goes there, gives birth to a child of the
// launcher (CLONE_PARENT), and ends. It is born into the cgroup itself: from inside a user namespace it could not put a
// child there.

Status bear_sibling(const StepClone& step, const Slots& slots, const Newborn& newborn, int to_launcher) {
  uint64_t entered = 0;
  TSRUN_TRY(enter_birth_place(step, slots, &entered));
  int pid_fd = -1;
  sys::Outcome pid = clone_sibling(step.flags, &pid_fd);
  if (!pid.ok()) return pid.status();
  if (pid.value == 0) {
    // The launcher would wait for a midwife that was killed as long as somebody else holds its end.
    close_fd(to_launcher);
    newborn.live(newborn.argument);
  }
  return send_word_with(to_launcher, ChannelMessage{ChannelWord::kBorn, static_cast<uint32_t>(pid.value), kOk}, pid_fd);
}

[[noreturn]] void be_midwife(const StepClone& step, const Slots& slots, const Newborn& newborn, int to_launcher) {
  Status status = bear_sibling(step, slots, newborn, to_launcher);
  if (!status.ok()) (void)send_word(to_launcher, ChannelMessage{ChannelWord::kFailed, 0, status});
  sys::end_process(0);
}

Status hear_of_birth(int channel, Birth* birth) {
  ChannelMessage message;
  if (!receive_word(channel, Patience::kWait, &message, &birth->pidfd)) return Status{SYS_clone3, ECHILD};
  if (message.word == ChannelWord::kFailed) return message.status;
  birth->pid = static_cast<int>(message.step);
  return kOk;
}

Status clone_by_midwife(const StepClone& step, const Slots& slots, const Newborn& newborn, Birth* birth) {
  UniqueFd ours;
  UniqueFd theirs;
  TSRUN_TRY(make_channel(&ours, &theirs));
  int pid_fd = -1;
  sys::Outcome pid = clone_process(0, slots.get(step.cgroup), &pid_fd);
  if (!pid.ok()) return pid.status();
  if (pid.value == 0) {
    ours.reset();
    be_midwife(step, slots, newborn, theirs.get());
  }
  UniqueFd midwife(pid_fd);
  theirs.reset();
  Status status = hear_of_birth(ours.get(), birth);
  siginfo_t info;
  rusage usage;
  (void)wait_process(midwife.get(), &info, &usage);
  return status;
}

}  // namespace

Status give_birth(LauncherContext& context, const Newborn& newborn, Birth* birth) {
  const StepClone& step = context.clone;
  if (step.midwife) return clone_by_midwife(step, context.slots, newborn, birth);
  uint64_t entered = 0;
  Status status = enter_birth_place(step, context.slots, &entered);
  if (status.ok()) status = clone_here(step, context.slots, newborn, birth);
  context.container.launcher->own.return_to(entered);
  return status;
}

}  // namespace tsrun
