#include "launcher/helpers.h"

#include <sys/epoll.h>

#include "sys/memory.h"
#include "sys/process.h"

namespace tsrun {
namespace {

struct Helper {
  Loop* loop = nullptr;
  UniqueFd process;
  Watch watch;
};

void helper_ended(void* owner, uint32_t) {
  auto* helper = static_cast<Helper*>(owner);
  siginfo_t info;
  rusage usage;
  if (reap_process(helper->process.get(), &info, &usage).ok() && info.si_pid == 0) return;
  helper->loop->remove(&helper->watch);
  destroy(helper);
}

}  // namespace

void reap_in_time(Loop& loop, UniqueFd process) {
  auto* helper = make<Helper>();
  // Its zombie then stays until the launcher ends, and holds nothing but a pid.
  if (helper == nullptr) return;
  helper->loop = &loop;
  helper->process = static_cast<UniqueFd&&>(process);
  if (!loop.add(&helper->watch, helper->process.get(), kProcessEnd, helper_ended, helper).ok()) destroy(helper);
}

}  // namespace tsrun
