#include "launcher/device_programs.h"

#include <linux/bpf.h>
#include <stdlib.h>

#include "sys/device_program_name.h"

namespace tsrun {
namespace {

// No log buffer, and RLIMIT_MEMLOCK stays as it is: where it is counted at all (before Linux 5.11) it was enough.
Status load(Bytes program, UniqueFd* into) {
  if (program.size == 0 || program.size % sizeof(bpf_insn) != 0) return Status{SYS_bpf, EINVAL};
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.expected_attach_type = BPF_CGROUP_DEVICE;
  attributes.insns = reinterpret_cast<uint64_t>(program.data);
  attributes.insn_cnt = program.size / sizeof(bpf_insn);
  attributes.license = reinterpret_cast<uint64_t>("");
  memcpy(attributes.prog_name, kDeviceProgramName, sizeof kDeviceProgramName);
  return take(sys::call<SYS_bpf>(BPF_PROG_LOAD, &attributes, sizeof attributes), into);
}

// Beside those of the cgroups above, which hold as well: what one of them denies is denied.
Status attach_to(int program, int cgroup) {
  bpf_attr attributes{};
  attributes.target_fd = static_cast<uint32_t>(cgroup);
  attributes.attach_bpf_fd = static_cast<uint32_t>(program);
  attributes.attach_type = BPF_CGROUP_DEVICE;
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  return sys::call<SYS_bpf>(BPF_PROG_ATTACH, &attributes, sizeof attributes).status();
}

}  // namespace

Status DevicePrograms::attach(Bytes program, int cgroup) {
  int fd = -1;
  TSRUN_TRY(find_or_load(program, &fd));
  return attach_to(fd, cgroup);
}

Status DevicePrograms::find_or_load(Bytes program, int* fd) {
  for (Entry& entry : entries_) {
    if (!entry.fd.valid() || entry.size != program.size || memcmp(entry.code, program.data, program.size) != 0) continue;
    entry.last_use = ++uses_;
    *fd = entry.fd.get();
    return kOk;
  }
  UniqueFd loaded;
  TSRUN_TRY(load(program, &loaded));
  auto* code = static_cast<uint8_t*>(malloc(program.size));
  if (code == nullptr) return Status{SYS_brk, ENOMEM};
  memcpy(code, program.data, program.size);
  Entry& entry = oldest();
  free(entry.code);
  entry.code = code;
  entry.size = program.size;
  entry.last_use = ++uses_;
  // The one that was there stays loaded as long as a cgroup has it.
  entry.fd = static_cast<UniqueFd&&>(loaded);
  *fd = entry.fd.get();
  return kOk;
}

DevicePrograms::Entry& DevicePrograms::oldest() {
  Entry* found = &entries_[0];
  for (Entry& entry : entries_) {
    if (entry.last_use < found->last_use) found = &entry;
  }
  return *found;
}

}  // namespace tsrun
