// eBPF programs on cgroups (bpf(2)).
#ifndef TSRUN_LAUNCHER_CGROUP_PROGRAMS_H_
#define TSRUN_LAUNCHER_CGROUP_PROGRAMS_H_

#include <linux/bpf.h>
#include <string.h>

#include "sys/fd.h"

namespace tsrun {

struct ProgramKind {
  bpf_prog_type type;
  bpf_attach_type attach_type;
  const char* name;  // where bpf(2) tells of it; at most 15 bytes
};

inline uint64_t bpf_address(const void* pointer) { return reinterpret_cast<uint64_t>(pointer); }

inline sys::Outcome bpf(bpf_cmd command, const bpf_attr& attributes) {
  return sys::call<SYS_bpf>(command, &attributes, sizeof attributes);
}

// No log buffer, and RLIMIT_MEMLOCK stays as it is: where it is counted at all (before Linux 5.11) it was enough.
inline Status load_program(const ProgramKind& kind, const void* code, uint32_t count, UniqueFd* into) {
  bpf_attr attributes{};
  attributes.prog_type = kind.type;
  attributes.expected_attach_type = kind.attach_type;
  attributes.insns = bpf_address(code);
  attributes.insn_cnt = count;
  attributes.license = bpf_address("");
  memcpy(attributes.prog_name, kind.name, strnlen(kind.name, sizeof attributes.prog_name - 1));
  return take(bpf(BPF_PROG_LOAD, attributes), into);
}

// Until the cgroup is removed, or it is detached. Beside those of the cgroups above, which hold as well.
inline Status attach_program(const ProgramKind& kind, int program, int cgroup) {
  bpf_attr attributes{};
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(program);
  attributes.attach_type = kind.attach_type;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  return bpf(BPF_PROG_ATTACH, attributes).status();
}

inline Status detach_program(const ProgramKind& kind, int program, int cgroup) {
  bpf_attr attributes{};
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(program);
  attributes.attach_type = kind.attach_type;
  return bpf(BPF_PROG_DETACH, attributes).status();
}

}  // namespace tsrun

#endif  // TSRUN_LAUNCHER_CGROUP_PROGRAMS_H_
