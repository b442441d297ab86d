// When each step of a plan was done, for whoever asked to have it measured. The memory is the client's, and shared: the
// container's first process, a copy of the launcher, writes its own steps into it.
#ifndef TSRUN_SYS_STEP_CLOCK_H_
#define TSRUN_SYS_STEP_CLOCK_H_

#include <sys/mman.h>

#include "sys/fd.h"
#include "sys/process.h"

namespace tsrun {

class StepClock {
 public:
  StepClock() = default;
  StepClock(const StepClock&) = delete;
  StepClock& operator=(const StepClock&) = delete;
  ~StepClock() { close(); }

  Status open(int memory, uint32_t steps) {
    // What is written to must not shrink meanwhile (SIGBUS; memfd_create(2)).
    sys::Outcome seals = sys::call<SYS_fcntl>(memory, F_GET_SEALS, 0);
    if (!seals.ok()) return seals.status();
    if ((seals.value & F_SEAL_SHRINK) == 0) return Status{SYS_fcntl, EPERM};
    sys::Outcome end = sys::call<SYS_lseek>(memory, 0L, SEEK_END);
    if (!end.ok()) return end.status();
    if (static_cast<size_t>(end.value) < size_t{steps} * sizeof(uint64_t)) return Status{SYS_lseek, EINVAL};
    sys::Outcome mapped = sys::call<SYS_mmap>(0L, size_t{steps} * sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0L);
    if (!mapped.ok()) return mapped.status();
    done_ns_ = static_cast<uint64_t*>(mapped.pointer());
    steps_ = steps;
    return kOk;
  }

  void note(uint32_t step) {
    if (step < steps_) done_ns_[step] = monotonic_ns();
  }

  void close() {
    if (done_ns_ != nullptr) (void)sys::call<SYS_munmap>(done_ns_, size_t{steps_} * sizeof(uint64_t));
    done_ns_ = nullptr;
    steps_ = 0;
  }

 private:
  uint64_t* done_ns_ = nullptr;
  uint32_t steps_ = 0;
};

}  // namespace tsrun

#endif  // TSRUN_SYS_STEP_CLOCK_H_
