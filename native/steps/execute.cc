// The last steps.
#include <signal.h>

#include "launcher/channel.h"
#include "steps/child_steps.h"
#include "steps/program_words.h"
#include "sys/process.h"

namespace tsrun {
namespace {

inline constexpr int kFirstFree = 3;
// Of a program that came along, behind the channel.
inline constexpr int kProgramPlace = 4;

// The reaper's own arguments in front of the program's: see init/reaper.cc.
Status become_reaper(ChildContext& context, const StepExecute& step) {
  static constinit Decimal channel(0);
  static constinit Decimal count(0);
  channel = Decimal(static_cast<uint64_t>(context.channel));
  count = Decimal(step.paths.count);
  if (step.paths.count + size_t{step.arguments.count} + 4 > kMaxWords) return Status{SYS_execveat, E2BIG};
  uint32_t used = 0;
  argument_words[used++] = "tsrun-init";
  argument_words[used++] = channel.text();
  argument_words[used++] = count.text();
  for (Texts rest = step.paths; rest.count > 0;) argument_words[used++] = rest.next().data;
  for (Texts rest = step.arguments; rest.count > 0;) argument_words[used++] = rest.next().data;
  argument_words[used] = nullptr;
  // The reaper reports what becomes of the program's execve; it closes the channel itself.
  TSRUN_TRY(sys::call<SYS_fcntl>(context.channel, F_SETFD, 0).status());
  return sys::call<SYS_execveat>(context.reaper, "", argument_words, environment_words, AT_EMPTY_PATH).status();
}

// To its place, and from there on open in the program. What lies where others are to go has been moved out of the way.
Status place(int fd, int target, int flags) {
  if (fd != target) return sys::call<SYS_dup3>(fd, target, flags).status();
  return sys::call<SYS_fcntl>(fd, F_SETFD, flags == O_CLOEXEC ? FD_CLOEXEC : 0).status();
}

Status place(int* fd, int target) {
  TSRUN_TRY(place(*fd, target, O_CLOEXEC));
  *fd = target;
  return kOk;
}

Status lift(int* fd, int end) {
  if (*fd >= end) return kOk;
  sys::Outcome lifted = sys::call<SYS_fcntl>(*fd, F_DUPFD_CLOEXEC, end);
  if (lifted.ok()) *fd = lifted.fd();
  return lifted.status();
}

// Above `end`, so that no place below it is taken by what is still to be placed.
Status lift(Slots& slots, uint32_t slot, int end) {
  if (slots.get(slot) >= end) return kOk;
  UniqueFd low(slots.take(slot));
  return slots.put(slot, sys::call<SYS_fcntl>(low.get(), F_DUPFD_CLOEXEC, end));
}

}  // namespace

Status run(ChildContext& context, const StepPlaceProgram& step) {
  Slots& slots = context.slots;
  int end = kProgramPlace + 1 + static_cast<int>(step.keep.count);
  TSRUN_TRY(lift(slots, step.program, end));
  for (uint32_t index = 0; index < step.keep.count; ++index) TSRUN_TRY(lift(slots, step.keep[index], end));
  TSRUN_TRY(place(slots.get(step.program), kProgramPlace, O_CLOEXEC));
  for (uint32_t index = 0; index < step.keep.count; ++index) {
    TSRUN_TRY(place(slots.get(step.keep[index]), kProgramPlace + 1 + static_cast<int>(index), 0));
  }
  context.program_end = end;
  return kOk;
}

namespace {

constexpr int kNoDescriptor = 0x7fffffff;

// The lowest of those that stay, from this one on.
int next_that_stays(const ChildContext& context, const StepCloseDescriptors& step, int from) {
  int found = kNoDescriptor;
  auto consider = [&found, from](int fd) {
    if (fd >= from && fd < found) found = fd;
  };
  for (uint32_t index = 0; index < step.inherit.count; ++index) consider(context.slots.get(step.inherit[index]));
  for (uint32_t index = 0; index < step.keep.count; ++index) consider(context.slots.get(step.keep[index]));
  consider(context.channel);
  if (step.reaper) consider(context.reaper);
  return found;
}

// Whatever the launcher has open is here as well, and may be more than the program is allowed: then there is room for nothing
// (RLIMIT_NOFILE, getrlimit(2)) until it is closed.
Status close_others(const ChildContext& context, const StepCloseDescriptors& step) {
  for (int from = kFirstFree; from < kNoDescriptor;) {
    int stays = next_that_stays(context, step, from);
    if (stays > from) TSRUN_TRY(sys::call<SYS_close_range>(static_cast<unsigned>(from), static_cast<unsigned>(stays) - 1, 0).status());
    from = stays == kNoDescriptor ? stays : stays + 1;
  }
  return kOk;
}

// What was placed stays where it is; below it there is room for the channel alone.
Status close_beside_program(ChildContext& context) {
  TSRUN_TRY(place(&context.channel, kFirstFree));
  return sys::call<SYS_close_range>(static_cast<unsigned>(context.program_end), ~0U, 0).status();
}

}  // namespace

// Close-on-exec is too late: execve looks paths up before it closes, so that a program or the interpreter of a script
// could be /proc/self/fd/N/..., which leads to whatever the launcher has open (CVE-2024-21626).
Status run(ChildContext& context, const StepCloseDescriptors& step) {
  if (context.program_end > 0) return close_beside_program(context);
  TSRUN_TRY(close_others(context, step));
  Slots& slots = context.slots;
  int next = kFirstFree;
  int end = next + static_cast<int>(step.inherit.count) + 1 + (step.reaper ? 1 : 0) + static_cast<int>(step.keep.count);
  for (uint32_t index = 0; index < step.inherit.count; ++index) TSRUN_TRY(lift(slots, step.inherit[index], end));
  for (uint32_t index = 0; index < step.keep.count; ++index) TSRUN_TRY(lift(slots, step.keep[index], end));
  TSRUN_TRY(lift(&context.channel, end));
  if (step.reaper) TSRUN_TRY(lift(&context.reaper, end));
  for (uint32_t index = 0; index < step.inherit.count; ++index) TSRUN_TRY(place(slots.get(step.inherit[index]), next++, 0));
  TSRUN_TRY(place(&context.channel, next++));
  if (step.reaper) TSRUN_TRY(place(&context.reaper, next++));
  for (uint32_t index = 0; index < step.keep.count; ++index) {
    UniqueFd kept(slots.take(step.keep[index]));
    TSRUN_TRY(place(kept.get(), next, O_CLOEXEC));
    TSRUN_TRY(slots.put(step.keep[index], UniqueFd(next++)));
  }
  return sys::call<SYS_close_range>(static_cast<unsigned>(end), ~0U, 0).status();
}

Status run(ChildContext&, const StepResetSignals&) { return reset_signals(); }

Status run(ChildContext& context, const StepAwaitStart&) {
  TSRUN_TRY(send_word(context.channel, ChannelMessage{ChannelWord::kCreated, context.step, kOk}));
  return await_word(context.channel, ChannelWord::kStart);
}

Status run(ChildContext& context, const StepExecute& step) {
  TSRUN_TRY(point_at(step.environment, environment_words));
  if (context.home != nullptr) TSRUN_TRY(append(context.home, step.environment.count, environment_words));
  if (context.entry.last) return become_entry(context, step);
  if (step.reaper) return become_reaper(context, step);
  TSRUN_TRY(point_at(step.arguments, argument_words));
  if (context.program_end > 0) return sys::call<SYS_execveat>(kProgramPlace, "", argument_words, environment_words, AT_EMPTY_PATH).status();
  ProgramSearch search;
  for (Texts paths = step.paths; paths.count > 0;) {
    Status tried = sys::call<SYS_execve>(paths.next().data, argument_words, environment_words).status();
    if (!search.goes_on_after(tried)) break;
  }
  return search.failure();
}

Status run(ChildContext& context, const StepFinish&) {
  TSRUN_TRY(send_word(context.channel, ChannelMessage{ChannelWord::kRuns, context.step, kOk}));
  sys::end_process(0);
}

}  // namespace tsrun
