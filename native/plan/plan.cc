#include "plan/plan.h"

namespace tsrun {
namespace {

struct Header {
  uint16_t op;
  uint32_t size;
};

bool read_header(const uint8_t* at, size_t left, Header* header) {
  if (left < kRecordHeader) return false;
  uint32_t op;
  memcpy(&op, at, sizeof op);
  memcpy(&header->size, at + 4, sizeof header->size);
  header->op = static_cast<uint16_t>(op);
  return op <= UINT16_MAX && header->size >= kRecordHeader && header->size % 4 == 0 && header->size <= left;
}

}  // namespace

bool Plan::parse(const uint8_t* data, size_t size) {
  Reader head(data, size);
  if (!head.u32(&slot_count_) || !head.u32(&step_count_)) return false;
  if (slot_count_ > kMaxSlots || step_count_ > kMaxSteps) return false;
  steps_ = data + 8;
  const uint8_t* at = steps_;
  size_t left = size - 8;
  bool cloned = false;
  bool ends = false;
  launcher_steps_ = 0;
  for (uint32_t index = 0; index < step_count_; ++index) {
    Header header;
    if (ends || !read_header(at, left, &header)) return false;
    Reader fields(at + kRecordHeader, header.size - kRecordHeader);
    auto decodes = [](const auto&) { return true; };
    bool valid = cloned ? visit_child_step(header.op, fields, decodes, false)
                        : visit_launcher_step(header.op, fields, decodes, false);
    if (!valid) return false;
    if (header.op == StepClone::kOp) {
      cloned = true;
      launcher_steps_ = index + 1;
    }
    ends = header.op == StepExecute::kOp || header.op == StepFinish::kOp;
    at += header.size;
    left -= header.size;
  }
  if (!cloned) launcher_steps_ = step_count_;
  clones_ = cloned;
  return (ends || (!cloned && step_count_ > 0)) && left == 0;
}

StepView Plan::Walk::next() {
  Header header;
  memcpy(&header.op, at_, sizeof header.op);
  memcpy(&header.size, at_ + 4, sizeof header.size);
  StepView view{header.op, Reader(at_ + kRecordHeader, header.size - kRecordHeader)};
  at_ += header.size;
  return view;
}

}  // namespace tsrun
