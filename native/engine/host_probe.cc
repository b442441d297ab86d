#include "engine/host_probe.h"

#include <linux/bpf.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/device_program.h"

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
  Descriptor loaded;
  return load_device_program(reinterpret_cast<const uint8_t*>(program), sizeof program, &loaded).error;
}

}  // namespace tsrun::engine
