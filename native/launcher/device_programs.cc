#include "launcher/device_programs.h"

#include <stdlib.h>

#include "launcher/cgroup_programs.h"
#include "sys/device_program_name.h"

namespace tsrun {
namespace {

constexpr ProgramKind kKind{BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, kDeviceProgramName};

Status load(Bytes program, UniqueFd* into) {
  if (program.size == 0 || program.size % sizeof(bpf_insn) != 0) return Status{SYS_bpf, EINVAL};
  return load_program(kKind, program.data, static_cast<uint32_t>(program.size / sizeof(bpf_insn)), into);
}

}  // namespace

Status DevicePrograms::attach(Bytes program, int cgroup) {
  int fd = -1;
  TSRUN_TRY(find_or_load(program, &fd));
  // What one of the cgroups above denies is denied as well.
  return attach_program(kKind, fd, cgroup);
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
