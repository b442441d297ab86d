// The life of a container's first process until execve.
#include "launcher/channel.h"
#include "steps/child_steps.h"
#include "sys/process.h"

namespace tsrun {
namespace {

Status walk_child_steps(ChildContext& context, const Plan& plan, Plan::Walk& walk) {
  for (; context.step < plan.step_count(); ++context.step) {
    StepView view = walk.next();
    auto runs = [&context](const auto& step) { return run(context, step); };
    TSRUN_TRY(visit_child_step(view.op, view.fields, runs, Status{0, EBADMSG}));
    context.clock.note(context.step);
  }
  return kOk;
}

}  // namespace

void do_child_steps(const Plan& plan, Plan::Walk walk, bool waits, ChildContext context) {
  context.step = plan.launcher_steps() - 1;
  Status status = waits ? await_word(context.channel, ChannelWord::kProceed) : kOk;
  if (status.ok()) status = set_dumpable(false);
  if (status.ok()) {
    context.clock.note(context.step);
    ++context.step;
    status = walk_child_steps(context, plan, walk);
  }
  ChannelMessage failure{ChannelWord::kFailed, context.step, status};
  bool told = context.report >= 0 && write_all(context.report, &failure, sizeof failure).ok();
  // What the filter does not let it say must not look like an exit of the program's.
  if (!send_word(context.channel, failure).ok() && !told) __builtin_trap();
  sys::end_process(1);
}

}  // namespace tsrun
