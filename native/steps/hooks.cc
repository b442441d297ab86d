// Hooks of the container's namespaces: where they find what they look for, and how they are run.
#include <poll.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "launcher/channel.h"
#include "launcher/home.h"
#include "steps/child_steps.h"
#include "steps/program_words.h"
#include "sys/file_system.h"
#include "sys/process.h"

namespace tsrun {
namespace {

constexpr int kReportPlace = 3;

// A file, not a pipe: a hook that does not read it holds nobody up.
Status make_state(const StepRunHook& step, UniqueFd* state) {
  static constinit Decimal pid(0);
  TSRUN_TRY(take(sys::call<SYS_memfd_create>("state", MFD_CLOEXEC), state));
  pid = Decimal(static_cast<uint64_t>(sys::raw(SYS_getpid)));
  TSRUN_TRY(write_all(state->get(), step.state_head.data, step.state_head.size));
  TSRUN_TRY(write_all(state->get(), pid.text(), pid.size()));
  TSRUN_TRY(write_all(state->get(), step.state_tail.data, step.state_tail.size));
  return sys::call<SYS_lseek>(state->get(), 0L, SEEK_SET).status();
}

// What a hook has at its descriptors; below 0 it keeps what the process has.
struct HookStreams {
  int state;
  int out;
  int err;
  int report;
};

Status place_stream(int descriptor, int place) { return descriptor < 0 ? kOk : sys::call<SYS_dup3>(descriptor, place, 0).status(); }

// In a process group of its own, which can be killed with all that the hook has started. It inherits the standard streams, and nothing else.
Status become_hook(const StepRunHook& step, const HookStreams& streams) {
  TSRUN_TRY(sys::call<SYS_setpgid>(0, 0).status());
  TSRUN_TRY(place_stream(streams.state, 0));
  TSRUN_TRY(place_stream(streams.out, 1));
  TSRUN_TRY(place_stream(streams.err, 2));
  if (streams.report != kReportPlace) TSRUN_TRY(sys::call<SYS_dup3>(streams.report, kReportPlace, O_CLOEXEC).status());
  TSRUN_TRY(sys::call<SYS_close_range>(unsigned{kReportPlace} + 1U, ~0U, 0).status());
  TSRUN_TRY(reset_signals());
  TSRUN_TRY(point_at(step.arguments, argument_words));
  TSRUN_TRY(point_at(step.environment, environment_words));
  return sys::call<SYS_execve>(step.path.data, argument_words, environment_words).status();
}

[[noreturn]] void be_hook(const StepRunHook& step, const HookStreams& streams) {
  Status status = become_hook(step, streams);
  (void)write_all(kReportPlace, &status, sizeof status);
  sys::end_process(1);
}

// False: not in time.
bool await_end(int process, uint32_t most_ms) {
  pollfd awaited{process, POLLIN, 0};
  timespec most{most_ms / 1000, most_ms % 1000 * 1000000L};
  sys::Outcome ended = sys::call<SYS_ppoll>(&awaited, 1, most_ms == 0 ? nullptr : &most, 0, 0);
  return !ended.ok() || ended.value > 0;
}

// What became of it: an error of its execve, `exit_group` with its status, or `kill` with its signal.
Status judge(int process, int report) {
  siginfo_t info{};
  TSRUN_TRY(sys::call<SYS_waitid>(kPidfdIdType, process, &info, kWaitExited | kWaitForAnyClone, 0).status());
  Status status = kOk;
  // The writing end is closed by now.
  if (sys::call<SYS_read>(report, &status, sizeof status).value == sizeof status) return status;
  if (info.si_code != CLD_EXITED) return Status{SYS_kill, info.si_status};
  return info.si_status == 0 ? kOk : Status{SYS_exit_group, info.si_status};
}

}  // namespace

Status run(ChildContext& context, const StepEnterHost& step) {
  UniqueFd host(context.slots.take(step.mount));
  TSRUN_TRY(attach_at_path(host.get(), kScratch));
  TSRUN_TRY(attach_at(context.root.get(), context.slots.get(step.place)));
  TSRUN_TRY(sys::call<SYS_fchdir>(host.get()).status());
  TSRUN_TRY(sys::call<SYS_pivot_root>(".", ".").status());
  TSRUN_TRY(sys::call<SYS_umount2>(".", MNT_DETACH).status());
  return sys::call<SYS_chdir>("/").status();
}

// An ordinary user has the right to enter the namespaces of a process that they own, but no file of a process that is not
// dumpable (proc(5)). Whoever else is of that user, in a container of theirs, would need the right to trace in this user namespace.
Status run(ChildContext& context, const StepAwaitClient& step) {
  if (step.open_files) TSRUN_TRY(set_dumpable(true));
  TSRUN_TRY(send_word(context.channel, ChannelMessage{ChannelWord::kReached, context.step, kOk}));
  Status status = await_word(context.channel, ChannelWord::kProceed);
  if (step.open_files) TSRUN_TRY(set_dumpable(false));
  return status;
}

Status run(ChildContext& context, const StepRunHook& step) {
  UniqueFd state;
  UniqueFd report;
  int ends[2];
  TSRUN_TRY(make_state(step, &state));
  TSRUN_TRY(sys::call<SYS_pipe2>(ends, O_CLOEXEC).status());
  report.reset(ends[0]);
  int pid_fd = -1;
  sys::Outcome pid = clone_process(0, -1, &pid_fd);
  if (pid.ok() && pid.value == 0) be_hook(step, HookStreams{state.get(), context.slots.get(step.stdout), context.slots.get(step.stderr), ends[1]});
  close_fd(ends[1]);
  if (!pid.ok()) return pid.status();
  UniqueFd process(pid_fd);
  if (await_end(process.get(), step.timeout_ms)) return judge(process.get(), report.get());
  (void)sys::call<SYS_kill>(-static_cast<int>(pid.value), SIGKILL);
  (void)send_signal(process.get(), SIGKILL);
  (void)judge(process.get(), report.get());
  return Status{SYS_ppoll, ETIMEDOUT};
}

}  // namespace tsrun
