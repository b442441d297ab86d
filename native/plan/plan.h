// A plan as the launcher received it: bytes whose every record, and whose order, were checked before anything is done. A slot is
// looked at by the step that uses it (slots.h).
#ifndef TSRUN_PLAN_PLAN_H_
#define TSRUN_PLAN_PLAN_H_

#include "plan/wire.generated.h"

namespace tsrun {

struct StepView {
  uint16_t op;
  Reader fields;
};

// Layout: u32 slot count, u32 step count, then the steps: the launcher's, one `clone`, the child's, of which the last
// is `execute`; or the launcher's alone.
class Plan {
 public:
  // False when the bytes are not a plan; nothing of them may be used then.
  bool parse(const uint8_t* data, size_t size);

  uint32_t step_count() const { return step_count_; }
  // With `clone`.
  uint32_t launcher_steps() const { return launcher_steps_; }
  bool clones() const { return clones_; }

  // Walks the steps in order; `index` is where the walk stands.
  class Walk {
   public:
    explicit Walk(const Plan& plan) : at_(plan.steps_) {}
    StepView next();

   private:
    const uint8_t* at_;
  };

 private:
  const uint8_t* steps_ = nullptr;
  uint32_t slot_count_ = 0;
  uint32_t step_count_ = 0;
  uint32_t launcher_steps_ = 0;
  bool clones_ = false;
};

}  // namespace tsrun

#endif  // TSRUN_PLAN_PLAN_H_
