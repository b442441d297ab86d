#include "engine/device_program.h"

#include <errno.h>
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sys/device_program_name.h"

namespace tsrun::engine {
namespace {

// BPF_CGROUP_MAX_PROGS of the kernel.
constexpr uint32_t kMostPrograms = 64;

long bpf(bpf_cmd command, bpf_attr* attributes) { return syscall(SYS_bpf, command, attributes, sizeof *attributes); }

uint64_t address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

bool is_ours(int program) {
  bpf_prog_info info{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<uint32_t>(program);
  attributes.info.info_len = sizeof info;
  attributes.info.info = address(&info);
  return bpf(BPF_OBJ_GET_INFO_BY_FD, &attributes) == 0 && strncmp(info.name, kDeviceProgramName, sizeof info.name) == 0;
}

// Of those on the cgroup itself; none where it has none of ours.
Failure find_ours(int cgroup, Descriptor* found) {
  uint32_t ids[kMostPrograms];
  bpf_attr attributes{};
  attributes.query.target_fd = static_cast<uint32_t>(cgroup);
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = address(ids);
  attributes.query.prog_cnt = kMostPrograms;
  if (bpf(BPF_PROG_QUERY, &attributes) != 0) return Failure{"bpf", errno};
  for (uint32_t index = 0; index < attributes.query.prog_cnt; ++index) {
    bpf_attr wanted{};
    wanted.prog_id = ids[index];
    Descriptor program(static_cast<int>(bpf(BPF_PROG_GET_FD_BY_ID, &wanted)));
    if (program.get() < 0 || !is_ours(program.get())) continue;
    found->set(program.release());
    break;
  }
  return Failure{};
}

}  // namespace

Failure load_device_program(const uint8_t* code, size_t size, Descriptor* into) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.expected_attach_type = BPF_CGROUP_DEVICE;
  attributes.insns = address(code);
  attributes.insn_cnt = static_cast<uint32_t>(size / sizeof(bpf_insn));
  attributes.license = address("");
  memcpy(attributes.prog_name, kDeviceProgramName, sizeof kDeviceProgramName);
  into->set(static_cast<int>(bpf(BPF_PROG_LOAD, &attributes)));
  return into->get() < 0 ? Failure{"bpf", errno} : Failure{};
}

Failure replace_device_program(int program, int cgroup) {
  Descriptor old;
  if (Failure failure = find_ours(cgroup, &old)) return failure;
  bpf_attr attributes{};
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(program);
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (old.get() >= 0) {
    // Linux 5.6.
    attributes.attach_flags |= BPF_F_REPLACE;
    attributes.replace_bpf_fd = static_cast<uint32_t>(old.get());
  }
  return bpf(BPF_PROG_ATTACH, &attributes) == 0 ? Failure{} : Failure{"bpf", errno};
}

}  // namespace tsrun::engine
