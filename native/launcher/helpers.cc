#include "launcher/helpers.h"

#include <sys/epoll.h>

#include "sys/memory.h"
#include "sys/process.h"

namespace tsrun {
namespace {

struct Helper {
  Helper* next = nullptr;
  Loop* loop = nullptr;
  UniqueFd process;
  Watch watch;
};

// All that are waited for: the kernel's word for one is no pointer to it for who looks for what is not freed at the end.
Helper* helpers = nullptr;

void forget(Helper* helper) {
  Helper** at = &helpers;
  while (*at != helper) at = &(*at)->next;
  *at = helper->next;
  destroy(helper);
}

void helper_ended(void* owner, uint32_t) {
  auto* helper = static_cast<Helper*>(owner);
  siginfo_t info;
  rusage usage;
  if (reap_process(helper->process.get(), &info, &usage).ok() && info.si_pid == 0) return;
  helper->loop->remove(&helper->watch);
  forget(helper);
}

}  // namespace

void reap_in_time(Loop& loop, UniqueFd process) {
  auto* helper = make<Helper>();
  // Its zombie then stays until the launcher ends, and holds nothing but a pid.
  if (helper == nullptr) return;
  helper->next = helpers;
  helpers = helper;
  helper->loop = &loop;
  helper->process = static_cast<UniqueFd&&>(process);
  if (!loop.add(&helper->watch, helper->process.get(), kProcessEnd, helper_ended, helper).ok()) forget(helper);
}

}  // namespace tsrun
