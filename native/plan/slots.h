// The plan's table of descriptors: first those that came with the message, then those that steps made.
#ifndef TSRUN_PLAN_SLOTS_H_
#define TSRUN_PLAN_SLOTS_H_

#include "plan/plan.h"
#include "sys/fd.h"

namespace tsrun {

class Slots {
 public:
  Slots() {
    for (int& fd : fds_) fd = -1;
  }
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  // The descriptor in a slot, -1 for an empty or impossible one (the kernel then says EBADF).
  int get(uint32_t slot) const { return slot < kMaxSlots ? fds_[slot] : -1; }

  Status put(uint32_t slot, UniqueFd fd) {
    if (slot >= kMaxSlots || fds_[slot] >= 0) return Status{0, EINVAL};
    fds_[slot] = fd.release();
    return kOk;
  }

  Status put(uint32_t slot, sys::Outcome outcome) {
    if (!outcome.ok()) return outcome.status();
    return put(slot, UniqueFd(outcome.fd()));
  }

  int take(uint32_t slot) {
    int fd = get(slot);
    if (fd >= 0) fds_[slot] = -1;
    return fd;
  }

  void close_all() {
    for (int& fd : fds_) {
      if (fd >= 0) close_fd(fd);
      fd = -1;
    }
  }

 private:
  int fds_[kMaxSlots];
};

}  // namespace tsrun

#endif  // TSRUN_PLAN_SLOTS_H_
