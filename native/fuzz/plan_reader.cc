// libFuzzer target: whatever bytes come, the readers of requests and plans refuse them or give fields that lie within them.
// Seeds are plans of test/plan/golden (scripts/fuzz-corpus.mjs). `npm run test:fuzz` builds and runs it.
#include <stdlib.h>

#include "fuzz/fields.generated.h"
#include "plan/plan.h"

namespace {

using namespace tsrun;

// Looks at every byte of every field, so that the address sanitizer sees it, and holds it to what codec.h promises.
class Look {
 public:
  Look(const uint8_t* data, size_t size) : begin_(data), end_(data + size) {}

  void operator()(const Text& text) {
    const auto* bytes = reinterpret_cast<const uint8_t*>(text.data);
    demand(within(bytes, size_t{text.size} + 1) && bytes[text.size] == 0 && strlen(text.data) == text.size);
  }
  void operator()(const Bytes& bytes) {
    demand(within(bytes.data, bytes.size));
    for (uint32_t index = 0; index < bytes.size; ++index) sum_ += bytes.data[index];
  }
  void operator()(Texts texts) {
    while (texts.count > 0) (*this)(texts.next());
  }
  void operator()(const Words& words) {
    demand(within(words.at, size_t{words.count} * 4));
    for (uint32_t index = 0; index < words.count; ++index) sum_ += words[index];
  }
  void operator()(uint64_t value) { sum_ += value; }
  void operator()(uint32_t value) { sum_ += value; }
  void operator()(int32_t value) { sum_ += static_cast<uint32_t>(value); }
  void operator()(bool value) { sum_ += value ? 1 : 0; }

  uint64_t sum() const { return sum_; }

 private:
  static void demand(bool holds) {
    if (!holds) abort();
  }
  bool within(const uint8_t* at, size_t size) const { return at >= begin_ && at <= end_ && size <= static_cast<size_t>(end_ - at); }

  const uint8_t* begin_;
  const uint8_t* end_;
  uint64_t sum_ = 0;
};

void read_plan(const uint8_t* data, size_t size, Look& look) {
  Plan plan;
  if (!plan.parse(data, size)) return;
  if (plan.step_count() > kMaxSteps || plan.launcher_steps() > plan.step_count()) abort();
  Plan::Walk walk(plan);
  for (uint32_t index = 0; index < plan.step_count(); ++index) {
    StepView step = walk.next();
    auto see = [&](const auto& record) {
      each_field(record, look);
      return true;
    };
    bool known = index < plan.launcher_steps() ? visit_launcher_step(step.op, step.fields, see, false)
                                               : visit_child_step(step.op, step.fields, see, false);
    // What parse() has taken, a walk must be able to give.
    if (!known) abort();
  }
}

// As handle_request in native/launcher/requests.cc.
void read_request(const uint8_t* data, size_t size, Look& look) {
  if (size < kRecordHeader) return;
  uint32_t op;
  memcpy(&op, data, sizeof op);
  if (op > UINT16_MAX) return;
  auto see = [&](const auto& record) {
    each_field(record, look);
    return true;
  };
  (void)visit_request(static_cast<uint16_t>(op), Reader(data + kRecordHeader, size - kRecordHeader), see, false);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Look look(data, size);
  read_plan(data, size, look);
  read_request(data, size, look);
  // Nothing of it may be optimized away.
  asm volatile("" : : "r"(look.sum()));
  return 0;
}
