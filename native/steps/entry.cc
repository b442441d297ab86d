// A process that enters a container at the last moment. What its first process may trace (CAP_SYS_PTRACE without a user
// namespace) must not be seen there while it has anything of the launcher's (CVE-2016-9962): so all steps are done outside the
// pid namespace, and a program without anything of its own gives birth to the process inside (init/entry.cc).
#include "steps/child_steps.h"
#include "steps/program_words.h"
#include "sys/process.h"

namespace tsrun {

Status run(ChildContext& context, const StepEnterLast& step) {
  context.entry.last = true;
  context.entry.births_slot = step.births;
  context.entry.report_slot = step.report;
  context.entry.proc_slot = step.proc;
  return context.slots.put(step.proc, sys::call<SYS_fcntl>(context.proc, F_DUPFD_CLOEXEC, 3));
}

Status become_entry(ChildContext& context, const StepExecute& step) {
  static constinit Decimal numbers[] = {Decimal(0), Decimal(0), Decimal(0), Decimal(0)};
  const Entry& entry = context.entry;
  const int kept[] = {context.slots.get(entry.report_slot), context.slots.get(entry.births_slot),
                      context.slots.get(entry.proc_slot)};
  constexpr uint32_t kOwnWords = 8;
  if (step.paths.count + size_t{step.arguments.count} + kOwnWords + 1 > kMaxWords) return Status{SYS_execveat, E2BIG};
  uint32_t used = 0;
  argument_words[used++] = "tsrun-entry";
  for (int fd : kept) {
    TSRUN_TRY(sys::call<SYS_fcntl>(fd, F_SETFD, 0).status());
    numbers[used - 1] = Decimal(static_cast<uint64_t>(fd));
    argument_words[used] = numbers[used - 1].text();
    ++used;
  }
  argument_words[used++] = entry.terminal ? "1" : "0";
  argument_words[used++] = entry.attribute;
  argument_words[used++] = entry.value;
  numbers[3] = Decimal(step.paths.count);
  argument_words[used++] = numbers[3].text();
  for (Texts rest = step.paths; rest.count > 0;) argument_words[used++] = rest.next().data;
  for (Texts rest = step.arguments; rest.count > 0;) argument_words[used++] = rest.next().data;
  argument_words[used] = nullptr;
  return sys::call<SYS_execveat>(context.reaper, "", argument_words, environment_words, AT_EMPTY_PATH).status();
}

}  // namespace tsrun
