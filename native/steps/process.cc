// Attributes that the program inherits: session, keyring, limits, scheduling.
#include <linux/keyctl.h>
#include <sys/resource.h>

#include "steps/child_steps.h"

namespace tsrun {
namespace {

struct RlimitPair {
  uint64_t soft;
  uint64_t hard;
};

// sched_attr of sched_setattr(2), first version (Linux 3.14).
struct SchedulerAttributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

inline constexpr int kIoPriorityWhoProcess = 1;

}  // namespace

// Also keeps the payload from the caller's terminal: it has no controlling terminal to push characters into.
Status run(ChildContext&, const StepNewSession&) { return sys::call<SYS_setsid>().status(); }

Status run(ChildContext&, const StepJoinKeyring& step) {
  Status joined = sys::call<SYS_keyctl>(KEYCTL_JOIN_SESSION_KEYRING, step.name.data, 0, 0, 0).status();
  // Of a kernel without keyrings (CONFIG_KEYS) there is none to keep from the container.
  return joined.error == ENOSYS ? kOk : joined;
}

Status run(ChildContext&, const StepSetRlimit& step) {
  RlimitPair limit{step.soft, step.hard};
  return sys::call<SYS_prlimit64>(0, step.resource, &limit, 0).status();
}

Status run(ChildContext&, const StepSetUmask& step) { return sys::call<SYS_umask>(step.mask).status(); }

Status run(ChildContext&, const StepSetScheduler& step) {
  SchedulerAttributes attributes{sizeof attributes, step.policy,  step.flags,    step.nice,
                                 step.priority,     step.runtime, step.deadline, step.period};
  return sys::call<SYS_sched_setattr>(0, &attributes, 0).status();
}

Status run(ChildContext&, const StepSetIoPriority& step) {
  return sys::call<SYS_ioprio_set>(kIoPriorityWhoProcess, 0, step.value).status();
}

Status run(ChildContext&, const StepSetAffinity& step) {
  return sys::call<SYS_sched_setaffinity>(0, step.mask.size, step.mask.data).status();
}

// The kernel counts a bit more than there are (get_nodes() of mm/mempolicy.c).
Status run(ChildContext&, const StepSetMemoryPolicy& step) {
  unsigned long count = step.nodes.size == 0 ? 0 : (step.nodes.size * 8UL) + 1;
  return sys::call<SYS_set_mempolicy>(step.mode, step.nodes.size == 0 ? nullptr : step.nodes.data, count).status();
}

Status run(ChildContext&, const StepSetPersonality& step) { return sys::call<SYS_personality>(step.value).status(); }

}  // namespace tsrun
