#include "engine/host_probe.h"

#include <errno.h>
#include <linux/bpf.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace tsrun::engine {

int landlock_abi() {
  long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  return version < 0 ? 0 : static_cast<int>(version);
}

int device_program_probe() {
  bpf_insn program[2]{};
  program[0].code = BPF_ALU64 | BPF_MOV | BPF_K;
  program[0].imm = 1;
  program[1].code = BPF_JMP | BPF_EXIT;
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.expected_attach_type = BPF_CGROUP_DEVICE;
  attributes.insns = reinterpret_cast<uint64_t>(program);
  attributes.insn_cnt = 2;
  attributes.license = reinterpret_cast<uint64_t>("");
  auto loaded = static_cast<int>(syscall(SYS_bpf, BPF_PROG_LOAD, &attributes, sizeof attributes));
  int error = loaded < 0 ? errno : 0;
  if (loaded >= 0) close(loaded);
  return error;
}

}  // namespace tsrun::engine
